import { describe, expect, it } from 'vitest';

import { parseYaml } from './read.ts';

/** What real DVC 3.67 prints below `'./dvc.yaml' is invalid.` for each text. */
const reports: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a template inside of a flow list',
    'stages:\n  a:\n    cmd: echo\n    deps: [${p}]\n',
    [
      'While parsing a flow sequence, in line 4, column 11',
      '  4 │   deps: [${p}]',
      '',
      "Expected ',' or ']', but got '{', in line 4, column 13",
      '  4 │   deps: [${p}]',
    ],
  ],
  [
    'a template inside of a flow mapping',
    'stages:\n  a: {cmd: echo ${p}}\n',
    [
      'While parsing a flow mapping, in line 2, column 6',
      '  2   a: {cmd: echo ${p}}',
      '',
      "Expected ',' or '}', but got '{', in line 2, column 18",
      '  2   a: {cmd: echo ${p}}',
    ],
  ],
  [
    'a colon inside of a plain text',
    'stages:\n  a:\n    cmd: echo a:b\n  b:\n    cmd: echo a: b\n',
    ['Mapping values are not allowed here, in line 5, column 16', '  5 │   cmd: echo a: b'],
  ],
  [
    'a character that starts nothing',
    'stages:\n  a:\n    cmd: `ls`\n',
    ["Found character '`' that cannot start any token, in line 3, column 10", '  3 │   cmd: `ls`'],
  ],
  [
    'tabs as indent',
    'stages:\n\ta:\n\t\tcmd: echo\n',
    ["Found character '\\t' that cannot start any token, in line 2, column 1", '  2 │   a:'],
  ],
  [
    'a tab between tokens',
    'stages:\n  a:\n    cmd:\techo hi > o\n',
    ["Found character '\\t' that cannot start any token, in line 3, column 9", '  3 │   cmd:    echo hi > o'],
  ],
  [
    'a key twice',
    'stages:\n  a:\n    cmd: x\n  a:\n    cmd: y\n',
    [
      'While constructing a mapping, in line 2, column 3',
      '  2   a:',
      '',
      'Found duplicate key "a" with value "{}" (original value: "{}"), in line 4,',
      'column 3',
      '  4   a:',
    ],
  ],
];

describe('texts that are no YAML', () => {
  it.each(reports)('are reported as DVC does: %s', (_, text, report) => {
    const message = `'./dvc.yaml' is invalid.\n\n${report.join('\n')}`;
    expect(() => parseYaml(text, 'dvc.yaml')).toThrow(expect.objectContaining({ message }));
  });

  it('may hold tabs inside of texts and comments', () => {
    expect(parseYaml('# a\tb\na: "x\\t\ty"\nb: |\n  x\ty\n', 'x.yaml')).toEqual(
      new Map([
        ['a', 'x\t\ty'],
        ['b', 'x\ty\n'],
      ]),
    );
  });

  it('are told by the character that YAML does not allow', () => {
    expect(() => parseYaml('a: é\u0007\n', 'x.yaml')).toThrow('unacceptable character #x0007');
    expect(() => parseYaml('a: é\u0007\n', 'x.yaml')).toThrow('position 4');
    expect(parseYaml('a: 😀\n', 'x.yaml')).toEqual(new Map([['a', '😀']]));
  });
});
