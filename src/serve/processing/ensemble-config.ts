import type { Checker } from './checker.ts';

export const joins = ['weights', 'mean', 'vote', 'stacking', 'chain'] as const;

export interface MemberConfig {
  readonly name: string;
  /** Name and version of the registered model. */
  readonly model: { readonly name: string; readonly version: string };
  /** What each input or field of the member gets: a key of the request, or MEMBER.OUTPUT. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly output: string | undefined;
  readonly weight: number;
}

/** `ensemble:` of serving.yaml; docs/pictures.md describes it. */
export interface EnsembleConfig {
  readonly members: readonly MemberConfig[];
  readonly join: (typeof joins)[number];
  /** An .onnx file beside serving.yaml. */
  readonly fusion: string | undefined;
  readonly labels: readonly string[] | undefined;
  readonly labelsFile: string | undefined;
}

/** The keys that a request gives, in the order in which members name them. */
export function requestKeys({ members }: EnsembleConfig): string[] {
  const names = new Set(members.map(({ name }) => name));
  const sources = members.flatMap(({ inputs }) => [...inputs.values()]);
  return [...new Set(sources.filter((source) => outputOf(source, names) === undefined))];
}

/** `MEMBER.OUTPUT` in its parts; undefined for a key of the request. */
export function outputOf(source: string, members: ReadonlySet<string>): { member: string; output: string } | undefined {
  const dot = source.indexOf('.');
  const member = source.slice(0, Math.max(0, dot));
  return dot > 0 && members.has(member) ? { member, output: source.slice(dot + 1) } : undefined;
}

/** @throws MlopsError `bad_config` naming the place. */
export function readEnsemble(check: Checker, value: unknown): EnsembleConfig {
  const fields = check.fields(value, 'ensemble', ['members', 'join', 'fusion', 'labels']);
  const list = check.list(fields['members'], 'ensemble.members');
  if (list.length === 0) throw check.problem('ensemble.members', 'one member or more', list);
  const members = list.map((one, i) => readMember(check, one, `ensemble.members[${i}]`));
  const names = members.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw check.problem('ensemble.members', 'each name once', twice);
  for (const [i, member] of members.entries()) {
    // What a member takes from others stands above it: there is no circle then.
    const later = [...member.inputs].find(([, source]) =>
      names.includes(outputOf(source, new Set(names.slice(i)))?.member ?? ''),
    );
    if (later !== undefined) {
      throw check.problem(`ensemble.members[${i}].inputs.${later[0]}`, 'an output of a member above', later[1]);
    }
  }
  const join = check.choice(fields['join'], 'ensemble.join', joins);
  const fusion = check.optionalFile(fields['fusion'], 'ensemble.fusion');
  if ((join === 'stacking') !== (fusion !== undefined)) {
    throw check.problem(
      'ensemble.fusion',
      join === 'stacking' ? 'the .onnx file that joins' : 'nothing without stacking',
      fusion,
    );
  }
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  if (join === 'weights' && total <= 0) throw check.problem('ensemble.members', 'a weight above 0', total);
  return { members, join, fusion, ...check.labels(fields['labels'], 'ensemble.labels') };
}

function readMember(check: Checker, value: unknown, path: string): MemberConfig {
  const fields = check.fields(value, path, ['name', 'model', 'inputs', 'output', 'weight']);
  const uri = check.text(fields['model'], `${path}.model`);
  const [, name, version] = /^models:\/([^/@]+)\/(\d{1,15})$/.exec(uri) ?? [];
  if (name === undefined || version === undefined) {
    throw check.problem(`${path}.model`, 'models:/NAME/VERSION, a number: the ensemble pins it', uri);
  }
  const own = check.text(fields['name'], `${path}.name`);
  if (own.includes('.')) throw check.problem(`${path}.name`, 'a name without dots', own);
  const given = fields['inputs'];
  const keys = typeof given === 'object' && given !== null ? Object.keys(given) : [];
  const inputs = check.fields(given, `${path}.inputs`, keys);
  if (keys.length === 0) throw check.problem(`${path}.inputs`, 'what its inputs get', given);
  const weight = check.optionalNumber(fields['weight'], `${path}.weight`) ?? 1;
  if (!(weight >= 0 && Number.isFinite(weight))) throw check.problem(`${path}.weight`, 'a number from 0 on', weight);
  return {
    name: own,
    model: { name: decodeURIComponent(name), version },
    inputs: new Map(keys.map((key) => [key, check.text(inputs[key], `${path}.inputs.${key}`)])),
    output: check.optionalText(fields['output'], `${path}.output`),
    weight,
  };
}
