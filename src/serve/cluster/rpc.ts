import { isMlopsError, messageOf, MlopsError, type ErrorCode } from '../../base/index.ts';

/** Methods by name, with what they take and give. */
export type Methods = Record<string, (params: never) => unknown>;

interface CallMessage {
  readonly mlops: 'call';
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

interface ReplyMessage {
  readonly mlops: 'reply';
  readonly id: number;
  readonly value?: unknown;
  readonly error?: SentError;
}

interface SentError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
}

type Message = CallMessage | ReplyMessage;
type Result<M extends Methods, K extends keyof M> = Awaited<ReturnType<M[K]>>;

/** Calls in both directions over the channel between two processes. Errors arrive as what they were. */
export class Rpc<Theirs extends Methods> {
  readonly #send: (message: Message) => void;
  readonly #own: Methods;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #nextId = 1;

  constructor(send: (message: Message) => void, own: Methods) {
    this.#send = send;
    this.#own = own;
  }

  call<K extends keyof Theirs & string>(method: K, params: Parameters<Theirs[K]>[0]): Promise<Result<Theirs, K>> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      try {
        this.#send({ mlops: 'call', id, method, params });
      } catch (error) {
        this.#waiting.delete(id);
        reject(error);
      }
    });
  }

  /** To be given every message that comes in; others than ours are not touched. */
  receive(message: unknown): void {
    const ours = message as Message | null;
    if (ours?.mlops === 'call') void this.#answer(ours);
    else if (ours?.mlops === 'reply') this.#settle(ours);
  }

  /** The other side is gone: nothing will be answered. */
  end(error: Error): void {
    for (const call of this.#waiting.values()) call.reject(error);
    this.#waiting.clear();
  }

  async #answer({ id, method, params }: CallMessage): Promise<void> {
    let reply: ReplyMessage;
    try {
      reply = { mlops: 'reply', id, value: await this.#own[method]?.(params as never) };
    } catch (error) {
      reply = { mlops: 'reply', id, error: sent(error) };
    }
    try {
      this.#send(reply);
    } catch {
      // The other side is gone; its end is handled where it is noticed.
    }
  }

  #settle({ id, value, error }: ReplyMessage): void {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(received(error));
  }
}

export function sent(error: unknown): SentError {
  const own = isMlopsError(error) ? error : undefined;
  return { code: own?.code, message: messageOf(error), hint: own?.hint, data: own?.data };
}

export function received({ code, message, hint, data }: SentError): Error {
  return code === undefined ? new Error(message) : new MlopsError(code, message, { hint, data });
}
