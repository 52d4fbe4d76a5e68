import { MlopsError } from '../../base/index.ts';
import { isLoopback } from '../../http/index.ts';
import type { Notice } from '../../monitor/index.ts';
import { headline, subjectOf, type Channel, type ChannelPlaces } from './channel.ts';

export interface MailSettings {
  readonly name: string;
  readonly host: string;
  readonly port?: number | undefined;
  readonly starttls: boolean;
  readonly username?: string | undefined;
  readonly password_env?: string | undefined;
  readonly from: string;
  readonly to: string | readonly string[];
}

/** Mails by SMTP. One message for all that is to be told, with the ids in its text and its headers. */
export function mailChannel(settings: MailSettings, { env }: ChannelPlaces): Channel {
  return {
    name: settings.name,
    grouped: true,
    async send(notices, signal) {
      const { createTransport } = await import('nodemailer');
      const { host, starttls, from, to } = settings;
      const port = settings.port ?? (starttls ? 587 : 25);
      const transport = createTransport({
        host,
        port,
        secure: port === 465,
        requireTLS: starttls,
        auth: credentials(settings, env),
        // What stays on this machine is read by nobody in between.
        tls: { rejectUnauthorized: !isLoopback(host) },
        ...{ connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 10_000, dnsTimeout: 10_000 },
      });
      const stop = (): void => transport.close();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const sent = transport.sendMail({ from, to: typeof to === 'string' ? to : [...to], ...message(notices) });
        const info = await orAborted(sent, signal);
        const refused = (info.rejected ?? []).map(String);
        if (refused.length > 0)
          throw new MlopsError('delivery_failed', `the mail server refused ${refused.join(', ')}`);
      } finally {
        signal.removeEventListener('abort', stop);
        transport.close();
      }
    },
  };
}

function credentials({ username, password_env: name }: MailSettings, env: ChannelPlaces['env']) {
  if (username === undefined) return undefined;
  const pass = name === undefined ? '' : env[name];
  if (pass === undefined || (pass === '' && name !== undefined)) {
    throw new MlopsError('delivery_failed', `the environment variable ${name ?? ''} with the mail password is not set`);
  }
  return { user: username, pass };
}

function message(notices: readonly Notice[]) {
  const ids = notices.map(({ id }) => id);
  const [first] = notices;
  return {
    subject: subjectOf(notices).replace(/\s+/g, ' ').slice(0, 200),
    text: `${notices.map(paragraph).join('\n\n')}\n`,
    // A repetition is the same message.
    messageId: `<${first?.id ?? ''}.${first?.state ?? ''}.${notices.length}@mlops>`,
    headers: { 'X-Mlops-Alert': ids.join(' '), 'Auto-Submitted': 'auto-generated' },
  };
}

function paragraph(notice: Notice): string {
  const { id, rule, model, severity, since, value, threshold } = notice;
  const limit = threshold === null ? '' : ` (limit ${threshold})`;
  return [
    headline(notice),
    ...(model === null ? [] : [`model:    ${model}`]),
    `rule:     ${rule}, ${severity}`,
    ...(value === null ? [] : [`value:    ${value}${limit}`]),
    `since:    ${since}`,
    `id:       ${id}`,
  ].join('\n');
}

function orAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new MlopsError('delivery_failed', 'no answer within the time'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject);
  });
}
