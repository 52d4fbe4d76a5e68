import { describe, expect, it } from 'vitest';

import type { Command, Input } from './command.ts';
import { readGlobalFlags } from './global-flags.ts';
import { parseCommandLine } from './parse.ts';

const command: Command = {
  name: 'try',
  owner: 'dvc',
  summary: 'Try the parser',
  examples: [],
  passthrough: true,
  args: [{ name: 'targets', optional: true, variadic: true, summary: '' }],
  flags: [
    { name: 'force', short: 'f', summary: '' },
    { name: 'jobs', short: 'j', value: 'N', integer: true, summary: '', env: 'TRY_JOBS' },
    { name: 'param', short: 'p', value: 'P', repeat: 'each', summary: '' },
    { name: 'only', value: 'X', repeat: 'many', summary: '' },
    { name: 'run-cache', negatable: true, summary: '' },
    { name: 'no-commit', summary: '' },
    { name: 'untracked', value: 'HOW', optionalValue: true, summary: '' },
    { name: 'dry', aliases: ['dry-run'], summary: '' },
    { name: 'format', value: 'F', choices: ['json', 'md'], default: 'md', summary: '' },
  ],
  run: () => undefined,
};

function parse(line: string, env: Record<string, string> = {}): Input {
  return parseCommandLine(command, line === '' ? [] : line.split(' '), readGlobalFlags([]), env);
}

describe('the parser', () => {
  it('reads switches, values, lists and the words around them in any order', () => {
    const input = parse('a -fj 4 b -p x -p y --run-cache --no-commit --dry-run');
    expect(input.args).toEqual(['a', 'b']);
    expect([input.on('force'), input.number('jobs'), input.list('param')]).toEqual([true, 4, ['x', 'y']]);
    expect([input.choice('run-cache'), input.on('no-commit'), input.on('dry')]).toEqual([true, true, true]);
  });

  it('knows what was not given', () => {
    const input = parse('');
    expect([input.on('force'), input.number('jobs'), input.list('param'), input.choice('run-cache')]).toEqual([
      false,
      undefined,
      [],
      undefined,
    ]);
    expect([input.on('no-commit'), input.text('format'), input.given('format')]).toEqual([false, 'md', true]);
  });

  it('reads negations, optional values, argparse lists and the environment', () => {
    expect(parse('--no-run-cache').choice('run-cache')).toBe(false);
    expect([parse('--untracked').text('untracked'), parse('--untracked=all').text('untracked')]).toEqual(['', 'all']);
    expect(parse('--only a b --force').list('only')).toEqual(['a', 'b']);
    expect([parse('', { TRY_JOBS: '7' }).number('jobs'), parse('-j 2', { TRY_JOBS: '7' }).number('jobs')]).toEqual([
      7, 2,
    ]);
  });

  it('hands over the words after --', () => {
    const input = parse('a -- python --force x');
    expect([input.args, input.rest, input.on('force')]).toEqual([['a'], ['python', '--force', 'x'], false]);
  });

  it.each([
    ['--forec', /unknown flag '--forec'/, "did you mean '--force'?"],
    ['-j many', /--jobs takes a whole number, got 'many'/, undefined],
    ['--format xml', /--format is one of json, md/, undefined],
    ['--jobs', /argument missing/, undefined],
  ])('says what is wrong with %s', (line, message, hint) => {
    expect(() => parse(line)).toThrow(message);
    if (hint !== undefined) expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'usage', hint }));
  });
});

describe('global flags', () => {
  it('are taken from the line wherever they stand before a bare --', () => {
    const flags = readGlobalFlags(['--cd', 'x', 'add', 'f', '-q', '--', '-q']);
    expect([flags.words, flags.quiet, flags.cd]).toEqual([['add', 'f', '--', '-q'], true, 'x']);
    expect(readGlobalFlags(['status', '-vv']).verbosity).toBe(2);
  });

  it("leave a server's -h, which is its host", () => {
    expect(readGlobalFlags(['server', '-h', '127.0.0.1']).words).toEqual(['server', '-h', '127.0.0.1']);
    expect(readGlobalFlags(['add', '-h']).help).toBe(true);
  });
});

describe('global flags', () => {
  it('stop where a command of the user begins', () => {
    const read = (line: string): unknown => {
      const { words, verbosity, help } = readGlobalFlags(line.split(' '));
      return { words: words.join(' '), verbosity, help };
    };
    expect(read('run -v python t.py -v --help')).toEqual({
      words: 'run python t.py -v --help',
      verbosity: 1,
      help: false,
    });
    expect(read('run --name v x -q')).toEqual({ words: 'run --name v x -q', verbosity: 0, help: false });
    expect(read('stage add -n a -d b.py python b.py -vv')).toEqual({
      words: 'stage add -n a -d b.py python b.py -vv',
      verbosity: 0,
      help: false,
    });
    expect(read('runs list -v')).toEqual({ words: 'runs list', verbosity: 1, help: false });
  });
});
