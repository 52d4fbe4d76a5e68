import { MlopsError } from '../../base/index.ts';
import { outputOf, requestKeys, type EnsembleConfig, type MemberConfig } from '../processing/ensemble-config.ts';
import type { GivenValues, PictureFiles } from '../processing/steps.ts';
import type { Json, JsonObject } from '../wire/json-reader.ts';
import { asFloats, noTensors, withoutHalf, type Tensor, type Tensors } from '../wire/tensor.ts';
import { invalid, tensorFromJson } from '../wire/tensor-json.ts';
import { fieldValue } from '../wire/upload.ts';
import { finish } from './finish.ts';
import { joinScores, labelsOfRows } from './join.ts';
import { submitRows, type PictureDesk } from './pictures.ts';
import type { Runs, Scheduler } from './scheduler.ts';
import type { LoadedEnsemble, ServedVersion } from './served-version.ts';

export interface Joined {
  readonly outputs: Tensors;
  readonly labels: readonly string[] | undefined;
  /** Version of each member by its name. */
  readonly members: Readonly<Record<string, string>>;
}

/** Runs the members of an ensemble, those beside each other that need nothing of others, and joins what they say. */
export class EnsembleRunner {
  readonly #scheduler: Scheduler;
  readonly #pictures: PictureDesk;

  constructor(scheduler: Scheduler, pictures: PictureDesk) {
    this.#scheduler = scheduler;
    this.#pictures = pictures;
  }

  /** @throws MlopsError `invalid_input` by the name of the key. */
  async run(
    { stats }: Pick<Runs, 'stats'>,
    { config, members, fusion }: LoadedEnsemble,
    given: GivenValues,
    gone?: () => boolean,
  ): Promise<Joined> {
    checkKeys(config, given);
    const running = new Map<string, Promise<Tensors>>();
    for (const member of config.members) {
      const version = members.get(member.name);
      if (version === undefined) throw new Error(`member '${member.name}' is not loaded`);
      // Members take from those above them, which run already.
      running.set(member.name, this.#runMember(member, { version, stats }, given, running, gone));
    }
    const results = await Promise.all(running.values());
    const scores = config.members.map((member, i) => scoresOf(member, members.get(member.name), results[i] ?? {}));
    const probabilities =
      fusion === undefined
        ? joinScores(config, scores.map(withoutHalf))
        : withoutHalf(await this.#fuse({ version: fusion, stats }, config, scores, gone));
    const classes = config.labels ?? ownLabels(config, members);
    return {
      outputs: { probabilities },
      labels: classes === undefined ? undefined : labelsOfRows(probabilities, classes),
      members: Object.fromEntries([...members].map(([name, { ref }]) => [name, ref.version])),
    };
  }

  async #runMember(
    member: MemberConfig,
    runs: Runs,
    given: GivenValues,
    running: ReadonlyMap<string, Promise<Tensors>>,
    gone: (() => boolean) | undefined,
  ): Promise<Tensors> {
    const { version } = runs;
    const feeds: Record<string, Tensor> = noTensors();
    const raw: Record<string, Json> = Object.create(null) as JsonObject;
    const files = new Map<string, readonly Uint8Array[]>();
    const names = new Set(running.keys());
    for (const [target, source] of member.inputs) {
      const other = outputOf(source, names);
      if (other !== undefined) {
        const tensor = (await running.get(other.member))?.[other.output];
        const info = version.inputs.find(({ name }) => name === target);
        if (tensor === undefined) throw new MlopsError('inference_failed', `'${source}' gave nothing`);
        feeds[target] = info === undefined ? tensor : cast(tensor, info.dtype);
        continue;
      }
      const uploaded = given.files.get(source);
      if (uploaded === undefined) raw[target] = given.values[source] ?? null;
      else files.set(target, uploaded);
    }
    const pictures = await this.#read(version, { raw, files }, feeds);
    const processed = version.processing?.output;
    const fetches = processed?.fetches ?? version.outputNames;
    const answer = await submitRows(this.#scheduler, runs, { feeds, fetches, gone }, pictures?.length);
    const done = finish({ version, feeds, fetches, raw: answer.outputs, processed: true, pictures });
    return { ...answer.outputs, ...done.outputs };
  }

  /** Adds what the request's values become to the feeds. */
  async #read(
    version: ServedVersion,
    { raw, files }: { raw: JsonObject; files: PictureFiles },
    feeds: Record<string, Tensor>,
  ) {
    const step = version.processing?.input;
    if (step?.image !== undefined && (files.size > 0 || Object.hasOwn(raw, step.image.field))) {
      const { feeds: others, pictures } = step.image.read(raw, files);
      const decoded = await this.#pictures.decode(version, others, pictures);
      Object.assign(feeds, decoded.feeds);
      return decoded.pictures;
    }
    const names = Object.keys(raw);
    if (step !== undefined && step.image === undefined && names.some((name) => step.names.includes(name))) {
      Object.assign(feeds, step.read(raw));
      return undefined;
    }
    for (const name of names) {
      const info = version.inputs.find((input) => input.name === name);
      if (info === undefined) throw invalid(name, 'an input of the member', `'${name}'`);
      feeds[name] = tensorFromJson(asRows(raw[name] ?? null, info), info, name, true);
    }
    return undefined;
  }

  async #fuse(
    runs: Runs,
    { members }: EnsembleConfig,
    scores: readonly Tensor[],
    gone: (() => boolean) | undefined,
  ): Promise<Tensor> {
    const { version: fusion } = runs;
    const feeds: Record<string, Tensor> = noTensors();
    for (const [i, { name }] of members.entries()) {
      const info = fusion.inputs.find((input) => input.name === name);
      const tensor = scores[i];
      if (info !== undefined && tensor !== undefined) feeds[name] = cast(tensor, info.dtype);
    }
    const { outputs } = await this.#scheduler.submit(runs, feeds, fusion.outputNames, gone);
    const found = Object.values(outputs).find(({ dtype, dims }) => dtype.startsWith('float') && dims.length <= 2);
    if (found === undefined) throw new MlopsError('inference_failed', 'the fusion model answers no scores');
    return found;
  }
}

/** @throws MlopsError `invalid_input` for a key that is missing or strange, and for unequal numbers of rows. */
function checkKeys(config: EnsembleConfig, { values, files }: GivenValues): void {
  const keys = requestKeys(config);
  const strange = [...Object.keys(values), ...files.keys()].find((key) => !keys.includes(key));
  if (strange !== undefined)
    throw invalid(strange.slice(0, 100), `only ${keys.join(', ')}`, `'${strange.slice(0, 100)}'`);
  let first: { key: string; count: number } | undefined;
  for (const key of keys) {
    const value = files.get(key) ?? (Object.hasOwn(values, key) ? values[key] : undefined);
    if (value === undefined || value === null) throw invalid(key, `the key '${key}'`, 'nothing');
    const count = Array.isArray(value) ? value.length : 1;
    first ??= { key, count };
    if (count !== first.count) throw invalid(key, `${first.count} rows, as '${first.key}' has`, `${count}`);
  }
}

/** A list of values for an input of one column, as rows. */
function asRows(value: Json, { dims, dtype }: ServedVersion['inputs'][number]): Json {
  const list = (Array.isArray(value) ? value : [value]).map((one) => fieldValue(one, dtype));
  const wide = dims?.length === 2 && dims[1] === 1;
  return wide ? list.map((one) => (Array.isArray(one) ? one : [one])) : list;
}

function cast(tensor: Tensor, dtype: Tensor['dtype']): Tensor {
  return dtype === 'float32' || dtype === 'float64' ? asFloats(tensor, dtype) : tensor;
}

function scoresOf(member: MemberConfig, version: ServedVersion | undefined, outputs: Tensors): Tensor {
  const named = member.output === undefined ? undefined : outputs[member.output];
  if (named !== undefined) return named;
  const usual = version?.outputNames.find((name) => outputs[name]?.dtype.startsWith('float') === true);
  const found = usual === undefined ? undefined : outputs[usual];
  if (found !== undefined && member.output === undefined) return found;
  throw new MlopsError('inference_failed', `the member '${member.name}' answers no '${member.output ?? 'scores'}'`);
}

/** Labels of the last member that has some. */
function ownLabels(
  { members: all }: EnsembleConfig,
  members: ReadonlyMap<string, ServedVersion>,
): readonly string[] | undefined {
  for (const { name } of all.toReversed()) {
    const version = members.get(name);
    const labels = version?.processing?.output?.labelled?.classes ?? version?.labels?.classes;
    if (labels !== undefined) return labels;
  }
  return undefined;
}
