import * as path from 'node:path';

import { lineage } from '../../app/lineage/lineage.ts';
import { withRows } from '../../app/lineage/rows.ts';
import { MlopsError, plural, writeFileAtomic } from '../../base/index.ts';
import { gapsOf, toDot, toMermaid, toPage, toTree, type LineageGraph, type LineageNode } from '../../lineage/index.ts';
import type { Command, Input } from '../parse/command.ts';
import { withPlaces } from '../session/lineage-places.ts';
import { page } from '../terminal/pager.ts';
import { logFlag, logOf } from './monitor-input.ts';

export const verb: Command = {
  name: 'lineage',
  owner: 'mlops',
  summary: 'Show what a prediction, model, run, stage or file came of, or what came of it',
  description:
    'Joins the project, the tracking store and the prediction log as they are now; nothing is kept. What they do not know is named as a gap, never guessed. THING is the id of a prediction, models:/NAME/VERSION, a run, a stage, a path, PATH@REV or an md5; a word before it (prediction:, run:, stage:, path:, md5:) says which is meant.',
  examples: [
    ['mlops lineage 7c9e6679-7425-40de-944b-e07fc1f90ae7', 'which data, code and params made this answer'],
    ['mlops lineage models:/digits/Production', 'the same for a model'],
    ['mlops lineage data/raw.csv --down', 'what came of a file: stages, runs, models, predictions'],
    ['mlops lineage data/raw.csv@v1.0 --down --json', 'of a content that it had once, for scripts'],
    ['mlops lineage train --html -o train.html', 'as a page that needs nothing but itself'],
  ],
  args: [{ name: 'thing', summary: 'what to follow', completes: 'target' }],
  flags: [
    { name: 'up', summary: 'what it came of (default)' },
    { name: 'down', summary: 'what came of it' },
    { name: 'depth', value: 'N', integer: true, summary: 'so many steps at most' },
    { name: 'rows', value: 'ID,...', summary: 'where these rows are, by the column that stages name as meta.row_id' },
    { name: 'remotes', negatable: true, summary: 'ask the remotes what they still have (default)' },
    { name: 'json', summary: 'print JSON' },
    { name: 'dot', summary: 'in the DOT language of Graphviz' },
    { name: 'mermaid', summary: 'as a Mermaid flowchart' },
    { name: 'html', summary: 'as a page that needs nothing but itself' },
    { name: 'out', short: 'o', value: 'FILE', summary: 'write it there', completes: 'path' },
    logFlag,
  ],
  async run(input, terminal) {
    if (input.on('up') && input.on('down'))
      throw new MlopsError('usage', '--up and --down are two questions: give one');
    const [thing = ''] = input.args;
    const graph = await withPlaces(terminal, logOf(input, terminal), async (places) => {
      const found = await lineage(thing, places, {
        direction: input.on('down') ? 'down' : 'up',
        depth: input.number('depth'),
        remotes: input.choice('remotes'),
        signal: terminal.signal,
      });
      const rows = input.text('rows');
      return rows === undefined ? found : withRows(found, rows.split(','), places);
    });
    const out = input.text('out');
    const text = drawing(graph, thing, input);
    if (out !== undefined) {
      const content = text ?? lines(graph, plainStyle).join('\n');
      writeFileAtomic(path.resolve(terminal.cwd, out), `${content.trimEnd()}\n`);
      terminal.note(`wrote ${out}`);
    } else if (input.on('json')) terminal.json(asJson(graph, thing));
    else if (text !== undefined) terminal.print(text.trimEnd());
    else await page(lines(graph, terminal.style).join('\n'), terminal);
  },
};

function asJson(graph: LineageGraph, thing: string) {
  return { thing, ...graph, gaps: gapsOf(graph) };
}

/** Undefined where no form of it was asked for. */
function drawing(graph: LineageGraph, thing: string, input: Input): string | undefined {
  if (input.on('json')) return JSON.stringify(asJson(graph, thing));
  if (input.on('dot')) return toDot(graph);
  if (input.on('mermaid')) return toMermaid(graph);
  return input.on('html') ? toPage(graph, thing) : undefined;
}

const plainStyle = { dim: (text: string) => text, bold: (text: string) => text };

function lines(graph: LineageGraph, style: typeof plainStyle): string[] {
  const tree = toTree(graph).map(({ lead, node, again }) => {
    const rest = again ? '(see above)' : told(node);
    return `${style.dim(lead)}${node.kind} ${style.bold(node.name)}${rest === '' ? '' : `  ${style.dim(rest)}`}`;
  });
  const gaps = gapsOf(graph);
  if (gaps.length === 0) return tree;
  return [...tree, '', `${plural(gaps.length, 'gap')}:`, ...gaps.map(({ gap }) => `  ${gap}`)];
}

/** What people look for first. */
const shown: Readonly<Record<LineageNode['kind'], readonly string[]>> = {
  prediction: ['at', 'model', 'version', 'first', 'last'],
  version: ['stage', 'aliases', 'md5'],
  run: ['status', 'started', 'user'],
  stage: ['cmd'],
  data: ['md5', 'tracked_by', 'git', 'in_cache', 'in_remotes', 'rows'],
  commit: ['dirty', 'patch'],
  source: ['rev_lock', 'etag', 'digest'],
};

function told(node: LineageNode): string {
  const facts = shown[node.kind].flatMap((name) => {
    const value = node.facts[name];
    if (value === undefined || value === '') return [];
    const text = typeof value === 'string' ? value.split('\n').join('; ') : JSON.stringify(value);
    return name === 'cmd' || name === 'md5' ? [text] : [`${name.replaceAll('_', ' ')}: ${text}`];
  });
  return facts.join(', ');
}
