/**
 * The thread that reads large request bodies and writes large answers, with the same code as the server's own thread
 * does small ones, which it would stop for seconds. Speaks the messages of `exchange-messages.ts`.
 */
import { parentPort } from 'node:worker_threads';

import { buildProcessing } from '../processing/recipe.ts';
import type { Processing } from '../processing/steps.ts';
import { countAnswers, finish } from '../running/finish.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { AnswerDistribution } from '../running/stats.ts';
import { buffersOf, packTexts, unpackTexts } from '../wire/packed-texts.ts';
import { NearExchange, writeAnswer } from './exchange.ts';
import {
  packError,
  type FromExchange,
  type ReadElsewhere,
  type SentFacts,
  type ToExchange,
  type Writing,
  type Written,
} from './exchange-messages.ts';
import { predictionLine } from './log-line.ts';

const exchanges = new Map<number, NearExchange>();
/** What was built from recipes, by session: tokenizers take their time. */
const built = new Map<number, Promise<Processing>>();
const mostBuilt = 16;

parentPort?.on('message', (message: ToExchange) => {
  void handle(message);
});

async function handle(message: ToExchange): Promise<void> {
  try {
    const transfer: ArrayBuffer[] = [];
    const answer = await work(message, transfer);
    send({ id: message.id, answer }, transfer);
  } catch (error) {
    send({ id: message.id, error: packError(error) }, []);
  }
}

function send(message: FromExchange, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}

async function work(message: ToExchange, transfer: ArrayBuffer[]): Promise<unknown> {
  switch (message.kind) {
    case 'open': {
      const { exchange, asked, body, exact } = message.ask;
      const opened = new NearExchange(asked, Buffer.from(body.buffer, body.byteOffset, body.byteLength), exact);
      exchanges.set(exchange, opened);
      return opened.namesModel;
    }
    case 'route':
      return exchangeOf(message.ask).route(message.ask.query, message.ask.own);
    case 'isEmpty':
      return exchangeOf(message.ask).isEmpty(await versionOf(message.ask.version));
    case 'read': {
      const inputs = exchangeOf(message.ask).read(await versionOf(message.ask.version), message.ask.said);
      // What it was read from is not needed any more.
      exchanges.delete(message.ask.exchange);
      const rows = message.ask.logs ? inputs.rows?.() : undefined;
      const feeds = packTexts(inputs.feeds);
      transfer.push(...buffersOf(feeds));
      // Each a buffer of its own: what is decoded from texts.
      const files = inputs.pictures?.files.map((bytes) => new Uint8Array(bytes)) ?? [];
      transfer.push(...files.map(({ buffer }) => buffer));
      const pictures = inputs.pictures === undefined ? undefined : { ...inputs.pictures, files };
      return { ...inputs, feeds, rows, pictures } satisfies ReadElsewhere;
    }
    case 'close':
      exchanges.delete(message.ask.exchange);
      return undefined;
    case 'write': {
      const written = await write(message.ask);
      transfer.push(written.body.buffer as ArrayBuffer);
      return written;
    }
  }
}

function exchangeOf({ exchange }: { exchange: number }): NearExchange {
  const found = exchanges.get(exchange);
  if (found === undefined) throw new Error(`exchange ${exchange} is not open`);
  return found;
}

async function versionOf({ recipe, ...facts }: SentFacts): Promise<VersionFacts> {
  if (recipe === undefined) return { ...facts, processing: undefined };
  let building = built.get(facts.session);
  if (building === undefined) {
    const [oldest] = built.keys();
    if (built.size >= mostBuilt && oldest !== undefined) built.delete(oldest);
    building = buildProcessing(recipe);
    built.set(facts.session, building);
  }
  return { ...facts, processing: await building };
}

async function write({ version: sent, form, predictionId, elapsed, log, arm, ...rest }: Writing): Promise<Written> {
  const started = performance.now();
  const version = await versionOf(sent);
  const run = { ...rest, version, feeds: unpackTexts(rest.feeds), raw: unpackTexts(rest.raw) };
  const done = finish(run);
  const answers = new AnswerDistribution();
  countAnswers(answers, run, done.labels);
  const latency = elapsed + performance.now() - started;
  const prediction = {
    ...done,
    version,
    arm,
    feeds: run.feeds,
    answer: { outputs: run.raw, shape: run.shape },
    latency,
  };
  const line = log === undefined ? undefined : predictionLine(prediction, predictionId, log.request, log.redact);
  const { json, binary } = writeAnswer(form, prediction, predictionId);
  const length = Buffer.byteLength(json);
  // Of its own, not of Node's pool: it is handed over.
  const body = Buffer.allocUnsafeSlow(length + binary.reduce((sum, bytes) => sum + bytes.length, 0));
  body.write(json, 'utf8');
  let at = length;
  for (const bytes of binary) at += bytes.copy(body, at);
  return { body, jsonLength: binary.length === 0 ? undefined : length, line, answers };
}
