import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { PyValue } from '../../base/index.ts';
import { arbitraryYaml } from '../../../test/support/yaml-arbitrary.ts';
import { applyEdit, type YamlEdit, type YamlPath } from './diff.ts';
import { editYaml, updateYaml } from './edit.ts';
import { parseYaml } from './read.ts';
import { dumpYaml } from './write.ts';

const pipeline = `# The pipeline of this project
vars:
    - params.yaml   # ours

stages:
    prepare:        # first
        cmd: "python prepare.py"
        deps: [raw, 'prepare.py']
        outs:
            - data.csv:
                cache: false
            - log

    # the expensive one
    train:
        cmd: |
            python train.py
            echo done
        outs:
        - model.onnx   # big
`;

describe('editing YAML', () => {
  const edit = (...edits: YamlEdit[]): string => editYaml(pipeline, 'dvc.yaml', edits);

  it('adds a key after the last one of its mapping and touches nothing else', () => {
    expect(edit({ op: 'set', path: ['stages', 'prepare', 'frozen'], value: true })).toBe(
      pipeline.replace('            - log\n', '            - log\n        frozen: true\n'),
    );
    expect(edit({ op: 'set', path: ['stages', 'train', 'frozen'], value: true })).toBe(
      `${pipeline}        frozen: true\n`,
    );
  });

  it('replaces a scalar and keeps the comment behind it', () => {
    expect(edit({ op: 'set', path: ['vars', 0], value: 'other.yaml' })).toBe(
      pipeline.replace('- params.yaml   # ours', '- other.yaml   # ours'),
    );
    expect(edit({ op: 'set', path: ['stages', 'prepare', 'cmd'], value: 'make' })).toBe(
      pipeline.replace('"python prepare.py"', 'make'),
    );
    expect(edit({ op: 'set', path: ['stages', 'train', 'cmd'], value: 'make' })).toBe(
      pipeline.replace('|\n            python train.py\n            echo done', 'make'),
    );
  });

  it('appends to lists of both styles', () => {
    expect(edit({ op: 'append', path: ['stages', 'prepare', 'deps'], value: 'a, b' })).toBe(
      pipeline.replace("[raw, 'prepare.py']", "[raw, prepare.py, 'a, b']"),
    );
    expect(edit({ op: 'append', path: ['stages', 'train', 'outs'], value: 'log' })).toBe(`${pipeline}        - log\n`);
  });

  it('adds a stage and removes one', () => {
    const stage = new Map<string, PyValue>([
      ['cmd', 'x'],
      ['deps', ['a', 'b']],
    ]);
    expect(edit({ op: 'set', path: ['stages', 'eval'], value: stage })).toBe(
      `${pipeline}    eval:\n      cmd: x\n      deps:\n      - a\n      - b\n`,
    );
    expect(edit({ op: 'delete', path: ['stages', 'train'] })).toBe(pipeline.slice(0, pipeline.indexOf('    train:')));
    expect(edit({ op: 'delete', path: ['stages', 'prepare', 'outs', 0] })).toBe(
      pipeline.replace('            - data.csv:\n                cache: false\n', ''),
    );
  });

  it('keeps what remains when the last key or item goes', () => {
    expect(edit({ op: 'delete', path: ['stages', 'train', 'outs', 0] })).toContain('        outs: []   # big\n');
    expect(editYaml('# c\nstages:   # all\n  a:\n    cmd: x\n', 'f', [{ op: 'delete', path: ['stages', 'a'] }])).toBe(
      '# c\nstages: {}\n',
    );
  });

  it('starts from nothing, from a comment and from an empty mapping', () => {
    const add: YamlEdit = { op: 'set', path: ['stages', 'a', 'cmd'], value: 'x' };
    const made = 'stages:\n  a:\n    cmd: x\n';
    expect(editYaml('', 'f', [add])).toBe(made);
    expect(editYaml('# c\n', 'f', [add])).toBe(`# c\n${made}`);
    expect(editYaml('# c\nstages: {}\n', 'f', [add])).toBe(`# c\n${made}`);
    expect(editYaml('# c\nstages:\n', 'f', [add])).toBe(`# c\n${made}`);
  });

  it('updates by the fewest edits, in place', () => {
    const text = '# mine\nouts:\n- md5: aa.dir   # hash\n  size: 1\n  path: data\n';
    const outs = new Map<string, PyValue>([
      ['md5', 'bb.dir'],
      ['size', 2],
      ['nfiles', 3],
      ['path', 'data'],
    ]);
    expect(updateYaml(text, 'x.dvc', new Map([['outs', [outs]]]))).toBe(
      '# mine\nouts:\n- md5: bb.dir   # hash\n  size: 2\n  path: data\n  nfiles: 3\n',
    );
    expect(updateYaml(text, 'x.dvc', parseYaml(text, 'x.dvc'))).toBe(text);
  });

  it('always says afterwards what was asked for, and rarely loses comments', () => {
    let kept = 0;
    fc.assert(
      fc.property(arbitraryYaml, arbitraryYaml, fc.nat(), fc.nat(), (before, value, where, kind) => {
        const text = withComments(
          dumpYaml(
            new Map<string, PyValue>([
              ['top', before],
              ['z', 1],
            ]),
          ),
        );
        const old = parseYaml(text, 'f');
        const wanted = chooseEdit(old, value, where, kind);
        fc.pre(!/[\u0085\u2028\u2029]/.test(text + dumpYaml(value)));
        const edited = editYaml(text, 'f', [wanted]);
        if (/^# head$/m.test(edited)) kept++;
        expect(parseYaml(edited, 'f')).toEqual(applyEdit(old, wanted, 0));
      }),
      { numRuns: 1500 },
    );
    expect(kept).toBeGreaterThan(1300);
  });

  it('of a text in canonical form yields the canonical form', () => {
    fc.assert(
      fc.property(arbitraryYaml, arbitraryYaml, (before, after) => {
        fc.pre(before instanceof Map && before.size > 0 && after instanceof Map);
        const text = dumpYaml(before);
        fc.pre(!/[\u0085\u2028\u2029]/.test(text + dumpYaml(after)));
        const edited = updateYaml(text, 'f', after);
        expect(edited).toBe(dumpYaml(parseYaml(edited, 'f')));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the line ends of a Windows checkout', () => {
    const text = '# c\nstages:\n  a:\n    cmd: x  # why\n    text: |\n      one\n      two\n';
    for (const edit of [
      { op: 'set', path: ['stages', 'a', 'frozen'], value: true },
      { op: 'set', path: ['stages', 'b'], value: new Map([['cmd', 'y']]) },
      { op: 'delete', path: ['stages', 'a', 'cmd'] },
    ] as const) {
      const plain = editYaml(text, 'dvc.yaml', [edit]);
      expect(editYaml(text.replaceAll('\n', '\r\n'), 'dvc.yaml', [edit])).toBe(plain.replaceAll('\n', '\r\n'));
    }
  });
});

/** Comments where they are surely allowed: at the start, and before every top-level key. */
function withComments(text: string): string {
  return `# head\n\n${text.replace(/^z: 1$/m, '\n# before the last key\nz: 1   # behind it')}# end\n`;
}

function chooseEdit(value: PyValue, fresh: PyValue, where: number, kind: number): YamlEdit {
  const paths = [...collectPaths(value, [])].filter((path) => path.length > 0);
  const path = paths[where % paths.length] ?? ['z'];
  const target = path.reduce<PyValue>(
    (node, step) => (node instanceof Map ? node.get(step) : (node as PyValue[])[Number(step)]) ?? null,
    value,
  );
  if (kind % 4 === 0 && Array.isArray(target)) return { op: 'append', path, value: fresh };
  if (kind % 4 === 1) return { op: 'delete', path };
  if (kind % 4 === 2 && target instanceof Map) return { op: 'set', path: [...path, 'brand new'], value: fresh };
  return { op: 'set', path, value: fresh };
}

function* collectPaths(value: PyValue, path: YamlPath): Generator<YamlPath> {
  yield path;
  if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* collectPaths(item, [...path, i]);
  if (value instanceof Map)
    for (const [key, item] of value) if (typeof key === 'string') yield* collectPaths(item, [...path, key]);
}
