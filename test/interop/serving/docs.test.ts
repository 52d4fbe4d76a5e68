import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { command, freshProject, root, startMlops, urlOf } from '../../cli.ts';
import { describeWithTool } from '../../tools.ts';

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

/** The code blocks of docs/serving.md. */
const blocks: Block[] = [
  ...fs.readFileSync(path.join(root, 'docs/serving.md'), 'utf8').matchAll(/^```(\w+)\n([^]*?)^```$/gm),
].map(([, language = '', text = '']) => ({ language, lines: text.trimEnd().split('\n') }));

const texts = (language: string): string[] =>
  blocks.filter((block) => block.language === language).map((block) => `${block.lines.join('\n')}\n`);

/** A server of the docs with the requests that are shown for it, and their answers. */
interface Session {
  readonly args: readonly string[];
  readonly shown: { readonly line: string; readonly answer: string }[];
}

function sessions(): Session[] {
  const found: Session[] = [];
  for (const { lines } of blocks.filter(({ language }) => language === 'console')) {
    for (const [i, line] of lines.entries()) {
      const args = /^\$ mlops (serve .*)$/.exec(line)?.[1];
      if (args !== undefined) found.push({ args: args.split(' '), shown: [] });
      if (line.startsWith('$ curl ')) found.at(-1)?.shown.push({ line: line.slice(2), answer: lines[i + 1] ?? '' });
    }
  }
  return found;
}

/** `...` stands for anything. */
function formOf(shown: string): RegExp {
  const parts = shown.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

describeWithTool('mlflow', 'the examples of docs/serving.md', ({ mlflow: python }) => {
  let project = '';
  beforeAll(() => {
    project = fs.mkdtempSync('/tmp/serving-docs-');
    const made = command(project, python, [path.join(root, 'test/interop/serving/python/make_models.py'), project]);
    expect(made.status, made.stderr).toBe(0);
    const [forest = ''] = texts('python');
    fs.writeFileSync(path.join(project, 'forest.py'), forest);
    expect(command(project, python, ['forest.py'])).toMatchObject({ status: 0 });
    const [table = '', bert = ''] = texts('yaml');
    fs.writeFileSync(path.join(project, 'diabetes', 'serving.yaml'), table);
    fs.writeFileSync(path.join(project, 'bert', 'serving.yaml'), bert);
  }, 300_000);
  afterAll(() => fs.rmSync(project, { recursive: true }));

  it('are there', () => {
    expect(sessions().length).toBeGreaterThan(3);
    expect(sessions().flatMap(({ shown }) => shown).length).toBeGreaterThan(8);
  });

  for (const { args, shown } of sessions()) {
    it(`mlops ${args.join(' ')} answers as shown`, { timeout: 120_000 }, async () => {
      const home = freshProject();
      const [verb = '', ...sources] = args;
      const places = sources.map((source) => path.join(project, source));
      const running = startMlops(home, [verb, ...places, '-p', '0']);
      const address = new URL(await urlOf(running)).host;
      for (const { line, answer } of shown) {
        const said = command(home, 'bash', ['-c', line.replace('localhost:5001', address)]);
        expect(said.stdout.trim(), line).toMatch(formOf(answer));
        expect(said.status).toBe(0);
      }
      running.child.kill('SIGTERM');
      expect((await running.ended).status).toBe(0);
    });
  }
});

describeWithTool('promtool', 'the page of /metrics', ({ promtool }) => {
  it(
    'passes promtool check metrics, before requests and after, of one process and of two',
    { timeout: 120_000 },
    async () => {
      const { linearModel } = await import('../../support/onnx.ts');
      const project = freshProject();
      fs.writeFileSync(path.join(project, 'odd "name" \\ü.onnx'), linearModel(2, 1));
      for (const workers of ['1', '2']) {
        const flags = ['--models-dir', '.', '-p', '0', '--log-predictions', '--workers', workers];
        const running = startMlops(project, ['serve', ...flags]);
        const url = await urlOf(running);
        for (let round = 0; round < 2; round++) {
          const page = await (await fetch(`${url}/metrics`)).text();
          const file = path.join(project, 'page.txt');
          fs.writeFileSync(file, page);
          const checked = command(project, 'bash', ['-c', `"${promtool}" check metrics < "${file}"`]);
          expect(checked.status, checked.stdout + checked.stderr).toBe(0);
          const answer = await fetch(`${url}/predict`, { method: 'POST', body: '{"x":[[1,2]]}' });
          expect(answer.status).toBe(200);
          await answer.text();
        }
        running.child.kill('SIGTERM');
        expect((await running.ended).status).toBe(0);
      }
    },
  );
});
