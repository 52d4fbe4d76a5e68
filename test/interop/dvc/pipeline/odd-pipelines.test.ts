/** Small odd projects that public repositories hold, or could: read by both tools, listed, drawn and planned. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { it } from 'vitest';

import { describeWithTool } from '../../../tools.ts';
import { openTwin } from '../../../twin.ts';

/** Real DVC takes half a second a command, more on a busy machine. */
const timeout = 600_000;

const stage = (...lines: string[]): string => `stages:\n  a:\n${lines.map((line) => `    ${line}\n`).join('')}`;

/** What a template gives where only texts can stand: DVC breaks down there, at once or when the value is used. */
const wrongTypes: Readonly<Record<string, string>> = {
  'a number as the command': stage('cmd: ${number}'),
  'a mapping as the command': stage('cmd: ${mapping}'),
  'nothing as the command': stage('cmd: ${nothing}'),
  'a number as a dep': stage('cmd: echo', 'deps: ["${number}"]'),
  'nothing as an output': stage('cmd: echo', 'outs: ["${nothing}"]'),
  'a flag as a param': stage('cmd: echo', 'params: ["${flag}"]'),
  'a number as the folder': stage('cmd: echo', 'wdir: ${number}'),
  'nothing as the folder': stage('cmd: echo', 'wdir: ${nothing}'),
  'a number as the description': stage('cmd: echo', 'desc: ${number}'),
  'a number as an axis': stage('matrix: {x: "${number}"}', 'cmd: echo'),
  'a text as an axis': stage('matrix: {x: ab}', 'cmd: echo ${item.x}'),
  'no axis': stage('matrix: {}', 'cmd: echo'),
};

const wrongPlaces: Readonly<Record<string, string>> = {
  'dvc.yaml as a dep': stage('cmd: echo', 'deps: [dvc.yaml]'),
  'a .dvc file as a dep': stage('cmd: echo', 'deps: [data/x.dvc]'),
  'a .dvc file as an output': stage('cmd: echo', 'outs: [x.dvc]'),
  'an output that .dvcignore names': stage('cmd: echo', 'outs: [ignored/x]'),
  'a dep that .dvcignore names': stage('cmd: echo', 'deps: [ignored/x]'),
  'a remote that is not there': stage('cmd: echo', 'deps: ["remote://nowhere/x"]'),
  'params that are no list': stage('cmd: echo', 'params: [p.json: lr]'),
  'several displays of one plot': stage('cmd: echo', 'plots: [p.csv: [{x: a}, {x: b}]]'),
  'datasets that are no list': `datasets: 5\n${stage('cmd: echo')}`,
  'the name of an item as a var': stage('foreach: [1]', 'do: {cmd: echo, vars: [{item: 2}]}'),
  'a dep deep in a folder that a .dvc file tracks': stage('cmd: cat data/d/f > z', 'deps: [data/d/f]', 'outs: [z]'),
};

/** A flag is `true` in a name where dvc.yaml has it, `True` where a template brings it. */
const names: Readonly<Record<string, string>> = {
  'values written down': stage('foreach: [true, null, 1.0, 1e22]', 'do: {cmd: "echo ${item}"}'),
  'values of templates': stage('foreach: ["${flag}", "${nothing}", "${number}", "${flags}"]', 'do: {cmd: echo}'),
  'a list of a template': stage('foreach: ${flags}', 'do: {cmd: "echo ${item}"}'),
  'axes of both': stage('matrix: {x: [true, "${flag}"], y: "${flags}", z: ["a${flag}"]}', 'cmd: echo ${key}'),
  'a list of vars': `vars: [{own: [true, x]}]\n${stage('foreach: ${own}', 'do: {cmd: "echo ${item}"}')}`,
};

describeWithTool('dvc', 'twins: odd pipelines', ({ dvc }) => {
  it.each([
    ['values of another type', wrongTypes],
    ['names of other things', wrongPlaces],
    ['names of values', names],
  ])('%s', { timeout }, (_, cases) => {
    const twin = openTwin({ dvc });
    twin.write(
      'params.yaml',
      'number: 2.5\nnothing: null\nflag: true\nmapping: {a: 1, b: [c]}\nflags: [true, null, 0.5]\n',
    );
    twin.write('.dvcignore', 'ignored\n');
    twin.write('data/d/f', 'one\n');
    twin.write('data/d.dvc', `outs:\n- md5: ${'0'.repeat(32)}.dir\n  hash: md5\n  path: d\n`);
    for (const text of Object.values(cases)) {
      twin.write('dvc.yaml', text);
      twin.run(['stage', 'list', '--all']);
      twin.run(['repro', '-f', '--dry', '-P']);
    }
  });

  it('a file below tracked data runs after the data was verified', { timeout }, () => {
    const twin = openTwin({ dvc });
    twin.write('data/d/f', 'one\n');
    twin.write('data/d.dvc', `outs:\n- md5: ${'0'.repeat(32)}.dir\n  hash: md5\n  path: d\n`);
    twin.write('dvc.yaml', stage('cmd: cat data/d/f > z', 'deps: [data/d/f]', 'outs: [z]'));
    twin.run(['repro']);
    twin.run(['repro']);
    twin.change((project) => fs.appendFileSync(path.join(project, 'data/d/f'), 'two\n'));
    twin.run(['repro']);
    twin.judge();
  });
});
