// docs/tracking.md against the code: limits, environment variables, commands and flags.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { limits } from '../src/mlflow/index.ts';
import { root } from './cli.ts';

const text = fs.readFileSync(path.join(root, 'docs/tracking.md'), 'utf8');
const reference = fs.readFileSync(path.join(root, 'docs/cli.md'), 'utf8');

/** What the rows of the table of limits are in the code. */
const rows: Readonly<Record<keyof typeof limits, string>> = {
  experimentName: 'name of an experiment',
  key: 'key of a param, metric or tag',
  paramValue: 'value of a param, cut',
  tagValue: "value of a run's tag, cut",
  experimentTagKey: "key of an experiment's tag",
  experimentTagValue: "value of an experiment's tag",
  registryTagKey: 'key of a tag in the registry',
  registryTagValue: 'value of a tag in the registry',
  batchMetrics: 'metrics in a batch',
  batchParams: 'params in a batch',
  batchTags: 'tags in a batch',
  batchTotal: 'all of them in a batch',
  datasetName: 'name of a dataset',
  datasetDigest: 'digest of a dataset',
  datasetSource: 'source of a dataset',
  datasetSchema: 'schema of a dataset',
  datasetProfile: 'profile of a dataset',
  inputTagKey: "key of a dataset's tag",
  inputTagValue: "value of a dataset's tag",
  modelName: 'name of a registered model',
  alias: 'alias',
  artifactLocation: 'artifact location',
};

/** The names of variables that the tracking rooms and verbs read. */
function variablesInCode(): Set<string> {
  const rooms = ['app', 'tracking', 'api', 'mlflow', 'cli/commands'];
  const files = rooms.flatMap((room) => {
    const folder = path.join(root, 'src', room);
    return fs
      .readdirSync(folder, { recursive: true })
      .map((name) => path.join(folder, String(name)))
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  });
  expect(files.length).toBeGreaterThan(100);
  const read = /(?:env\[|env: |number\()'((?:MLFLOW|MLOPS)_[A-Z_]+)'/g;
  return new Set(files.flatMap((file) => [...fs.readFileSync(file, 'utf8').matchAll(read)].map((m) => m[1] ?? '')));
}

/** Every command line of ours in the page, long lines joined. */
function commands(): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, '');
  return [...joined.matchAll(/^(?:\$ |ExecStart=\/usr\/local\/bin\/)(mlops .*)$/gm)].map((match) => match[1] ?? '');
}

/** What the reference says of the verb that a command line begins with. */
function sectionOf(command: string): string | undefined {
  const words = command.split(' ').filter((word) => /^[a-z-]+$/.test(word));
  for (let count = 3; count > 1; count--) {
    const begin = reference.indexOf(`### ${words.slice(0, count).join(' ')}\n`);
    if (begin === -1) continue;
    const end = reference.indexOf('\n### ', begin);
    return reference.slice(begin, end === -1 ? undefined : end);
  }
  return undefined;
}

describe('the page on tracking', () => {
  it('has the limits that the code has', () => {
    for (const [name, row] of Object.entries(rows) as [keyof typeof limits, string][]) {
      expect(text, name).toContain(`| ${row} | ${limits[name]} |\n`);
    }
    expect(Object.keys(rows).toSorted()).toEqual(Object.keys(limits).toSorted());
  });

  it('names every environment variable that is read, and no other', () => {
    const known = variablesInCode();
    // A page of its own documents what stages read.
    known.delete('MLOPS_JOBS');
    expect(known.size).toBeGreaterThan(15);
    const named = new Set([...text.matchAll(/`((?:MLFLOW|MLOPS)_[A-Z_]+)`/g)].map((match) => match[1] ?? ''));
    expect([...known].filter((name) => !named.has(name))).toEqual([]);
    // What we leave alone may be named too: that we do not set it, or that MLflow's client reads it.
    const others = ['MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE', 'MLFLOW_RUN_ID'];
    expect([...named].filter((name) => !known.has(name))).toEqual(others);
  });

  it('shows commands and flags that exist', () => {
    const shown = commands();
    expect(shown.length).toBeGreaterThan(8);
    for (const command of shown) {
      const section = sectionOf(command);
      expect(section, command).toBeDefined();
      const flags = [...command.matchAll(/ (--[a-z-]+|-[a-z])(?= |$)/g)].map((match) => match[1] ?? '');
      for (const flag of flags) expect(section, command).toMatch(new RegExp(`(^|[\`, ])${flag}\\b`, 'm'));
    }
  });
});
