import type * as grpc from '@grpc/grpc-js';

import { services } from './definition.ts';
import { status } from './calls.ts';

/** How often a watched state is looked at, in milliseconds. */
const interval = 500;

type Check = { readonly service: string };
type Checked = { readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN' };

/**
 * gRPC's health check: of the server as a whole (the empty name and that of its service), and of a model by its name.
 *
 * @param ready whether the server, or a model, is ready; undefined: there is no such model.
 */
export function healthService(ready: (model: string | undefined) => boolean | undefined) {
  const stateOf = ({ service }: Check): Checked => {
    const whole = service === '' || service === services.inference;
    const state = ready(whole ? undefined : service);
    return { status: state === undefined ? 'SERVICE_UNKNOWN' : state ? 'SERVING' : 'NOT_SERVING' };
  };
  const check: grpc.handleUnaryCall<Check, Checked> = (call, callback) => {
    const answer = stateOf(call.request);
    if (answer.status !== 'SERVICE_UNKNOWN') callback(null, answer);
    else callback({ code: status.notFound, details: `there is no service or model '${call.request.service}'` });
  };
  const watch: grpc.handleServerStreamingCall<Check, Checked> = (call) => {
    let last: string | undefined;
    const look = (): void => {
      const answer = stateOf(call.request);
      if (answer.status !== last) call.write(answer);
      last = answer.status;
    };
    look();
    const timer = setInterval(look, interval);
    timer.unref();
    call.on('cancelled', () => clearInterval(timer));
    call.on('close', () => clearInterval(timer));
  };
  return { Check: check, Watch: watch };
}
