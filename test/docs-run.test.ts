// Every command block of the pages for a first hour is run as it is printed, and what it prints is what the page shows.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { parseYaml } from '../src/project/index.ts';
import { cleanEnv, mlopsBin, root, temporaryFolder } from './cli.ts';
import { describeWithTool } from './tools.ts';

const read = (page: string): string => fs.readFileSync(path.join(root, 'docs', page), 'utf8');

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  return [...read(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map((match) => ({
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

/** Runs the bash blocks of a page one after the other in one shell, in an empty folder. */
function run(page: string, programs: readonly string[] = []): void {
  const folder = temporaryFolder('mlops-docs-');
  const bin = path.join(folder, 'bin');
  const work = path.join(folder, 'work');
  fs.mkdirSync(bin);
  fs.mkdirSync(work);
  fs.writeFileSync(path.join(bin, 'mlops'), `#!/bin/sh\nexec ${process.execPath} ${mlopsBin} "$@"\n`, { mode: 0o755 });
  const blocks = blocksOf(page);
  const commands = blocks.map(({ language, text }, i) =>
    language === 'bash' ? `{\n${text}} > ${folder}/out-${i} 2>&1\n` : '',
  );
  const env = cleanEnv(path.join(folder, 'home'));
  const result = spawnSync('bash', ['-e', '-c', commands.join('')], {
    cwd: work,
    env: { ...env, PATH: [bin, ...programs, env['PATH'] ?? ''].join(path.delimiter) },
    encoding: 'utf8',
    timeout: 120_000,
  });
  const outputs = fs
    .readdirSync(folder)
    .filter((name) => name.startsWith('out-'))
    .map((name) => fs.readFileSync(path.join(folder, name), 'utf8'));
  expect(result.status, `${page}: ${result.stderr}\n${outputs.at(-1) ?? ''}\n${outputs.join('\n--\n')}`).toBe(0);
  blocks.forEach(({ language, text }, i) => {
    if (language !== 'text') return;
    const said = fs.readFileSync(path.join(folder, `out-${i - 1}`), 'utf8');
    for (const line of text.trimEnd().split('\n')) expect(said, `${page}, block ${i}`).toContain(line);
  });
}

describe('the pages for a first hour', () => {
  it.each(['quick-start.md', 'logging.md', 'ci.md'])('%s does what it says', { timeout: 120_000 }, (page) => {
    expect(blocksOf(page).filter(({ language }) => language === 'bash').length).toBeGreaterThan(0);
    run(page);
  });

  it.each(['ci.md', 'mlops-yaml.md'])('%s shows YAML that can be read', (page) => {
    const yaml = blocksOf(page).filter(({ language }) => language === 'yaml');
    expect(yaml.length).toBeGreaterThan(0);
    for (const { text } of yaml) expect(parseYaml(text, page)).toBeInstanceOf(Map);
  });

  it('mlops-yaml.md names every setting with its default', () => {
    const source = fs.readFileSync(path.join(root, 'src/project/settings/mlops-yaml.ts'), 'utf8');
    const groups = [...source.matchAll(/^const (record|signing) = fields\(\{\n((?: {2}.*\n)+)/gm)];
    const keys = groups.flatMap(([, group = '', body = '']) =>
      [...body.matchAll(/^ {2}(\w+): optional\(/gm)].map((match) => `${group}.${match[1] ?? ''}`),
    );
    expect(keys).toEqual(expect.arrayContaining(['record.max_file_size', 'signing.keys']));
    for (const key of keys) expect(read('mlops-yaml.md')).toContain(`\`${key}\``);
  });
});

describeWithTool('mlflow', 'the page for users of MLflow', ({ mlflow }) => {
  it('does what it says', { timeout: 120_000 }, () => {
    run('from-mlflow.md', [path.dirname(mlflow)]);
  });
});
