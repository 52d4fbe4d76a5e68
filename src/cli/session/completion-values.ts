import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { errorCodes } from '../../base/index.ts';
import type { Experiment } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { Completes } from '../parse/command.ts';

/** Where somebody pressed Tab. */
export interface CompletionPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The arguments before this one: the model whose versions are meant. */
  readonly before: readonly string[];
}

/** A server that does not answer must not keep anybody waiting at a Tab. */
const patience = 1500;

/** What may stand here, read cheaply; whatever cannot be read offers nothing. */
export async function valuesOf(kind: Completes | undefined, place: CompletionPlace): Promise<readonly string[]> {
  try {
    return kind === undefined ? [] : ((await readers[kind]?.(place)) ?? []);
  } catch {
    return [];
  }
}

type Reader = (place: CompletionPlace) => readonly string[] | Promise<readonly string[]>;

const readers: Partial<Record<Completes, Reader>> = {
  stage: ({ cwd }) => stageNames(cwd),
  target: ({ cwd }) => [...stageNames(cwd), ...fs.readdirSync(cwd).filter((name) => /^.+\.dvc$/.test(name))],
  remote: ({ cwd }) => remoteNames(cwd),
  topic: async () => (await import('./docs-topics.ts')).docsTopics.map(({ name }) => name),
  error: () => Object.keys(errorCodes),
  template: async () => (await import('../../scaffold/index.ts')).listTemplates().map(({ name }) => name),
  'plot-template': async () => (await import('../../plots/index.ts')).templateNames,
  param: ({ cwd }) => paramKeys(cwd),
  revision: ({ cwd }) => revisions(cwd),
  run: (place) =>
    inStore(place, async (store) => {
      const experimentIds = (await experimentsOf(store)).map(({ id }) => id);
      const { items } = await store.searchRuns({ experimentIds, maxResults: 50 });
      return ['latest', ...items.flatMap(({ info }) => [info.id.slice(0, 8), info.name])];
    }),
  experiment: (place) => inStore(place, async (store) => (await experimentsOf(store)).map(({ name }) => name)),
  model: (place) =>
    inStore(place, async (store) =>
      (await store.searchRegisteredModels({ maxResults: 100 })).items.map(({ name }) => name),
    ),
  version: (place) =>
    inStore(place, async (store) => {
      const { name, aliases } = await store.getRegisteredModel(place.before[0] ?? '');
      const { items } = await store.searchModelVersions({
        filter: `name='${name.replaceAll("'", "''")}'`,
        maxResults: 50,
      });
      return [
        'latest',
        'Production',
        'Staging',
        ...aliases.map(({ alias }) => `@${alias}`),
        ...items.map(({ version }) => version),
      ];
    }),
};

async function inStore(
  { cwd, env }: CompletionPlace,
  read: (store: TrackingStore) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const { openPlace, trackingPlace } = await import('../../app/places/tracking-home.ts');
  const signal = AbortSignal.timeout(patience);
  const store = await openPlace(trackingPlace(cwd, env), { create: false, signal });
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

async function experimentsOf(store: TrackingStore): Promise<readonly Experiment[]> {
  return (await store.searchExperiments({ view: 'ACTIVE_ONLY', maxResults: 100 })).items;
}

function stageNames(cwd: string): string[] {
  const body = read(`${cwd}/dvc.yaml`).split(/^stages:[^\n]*\n/m)[1] ?? '';
  const end = body.search(/^\S/m);
  const block = end < 0 ? body : body.slice(0, end);
  const indent = /^( +)\S/m.exec(block)?.[1] ?? '  ';
  return [...block.matchAll(new RegExp(`^${indent}([^\\s#:][^:\\n]*):`, 'gm'))].map((match) => match[1] ?? '');
}

function remoteNames(cwd: string): string[] {
  const folder = [...ancestors(cwd)].find((each) => fs.existsSync(path.join(each, '.dvc'))) ?? cwd;
  const text = ['config', 'config.local'].map((name) => read(path.join(folder, '.dvc', name))).join('\n');
  return [...new Set([...text.matchAll(/\['?remote "([^"]+)"'?\]/g)].map((match) => match[1] ?? ''))];
}

function* ancestors(folder: string): Iterable<string> {
  for (let each = folder; ; each = path.dirname(each)) {
    yield each;
    if (each === path.dirname(each)) return;
  }
}

/** Dotted keys of params.yaml, ready for a value. */
async function paramKeys(cwd: string): Promise<string[]> {
  const { parseYaml } = await import('../../project/index.ts');
  const keys: string[] = [];
  const walk = (value: unknown, prefix: string): void => {
    if (value instanceof Map) {
      for (const [key, below] of value) walk(below, prefix === '' ? String(key) : `${prefix}.${String(key)}`);
    } else keys.push(`${prefix}=`);
  };
  walk(parseYaml(read(`${cwd}/params.yaml`), 'params.yaml'), '');
  return keys;
}

/** Branches, tags and experiments of DVC. */
function revisions(cwd: string): Promise<string[]> {
  const refs = ['refs/heads', 'refs/tags', 'refs/remotes', 'refs/exps'];
  const args = ['for-each-ref', '--format=%(refname)', ...refs];
  return new Promise((resolve) => {
    execFile('git', args, { cwd, timeout: patience }, (error, stdout) => {
      const names = error === null ? stdout.split('\n').filter((line) => line !== '') : [];
      const short = names.map((name) =>
        name.startsWith('refs/exps/')
          ? (name.split('/').at(-1) ?? '')
          : name.replace(/^refs\/(?:heads|tags|remotes)\//, ''),
      );
      resolve(['HEAD', ...short]);
    });
  });
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
