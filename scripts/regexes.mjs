// `node scripts/regexes.mjs`: every regular expression of `src` takes linear time, whatever the text.
//
// Two looks at each literal: scslre finds quantifiers that exchange characters and those that a search starts at
// every place of a run; and texts that repeat what the expression itself speaks of are tried against the clock.
// Expressions that are put together at run time are listed below, with the reason why they may be.
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vm from 'node:vm';
import { parseSync } from 'oxc-parser';
import { analyse } from 'scslre';

const root = path.join(path.dirname(import.meta.dirname), 'src');

/** Built at run time, by file: what they are made of, and why they stay linear. */
const built = {
  'api/host-guard.ts': 'a pattern of --allowed-hosts, tried on names of at most 253 characters',
  'app/usecases/demo.ts': 'names of our own template',
  'cli/session/completion-values.ts': 'an indent of the project in hand',
  'cli/commands/exp.ts': 'patterns that the person in front typed',
  'mlflow/wire-answer.ts': 'a mark of our own and a run of digits',
  'http/routes.ts': 'our own routes',
  'quality/texts/pattern.ts':
    'a row of characters and classes from the start, of which one at most repeats without limit',
  'quality/texts/script.ts': 'one class of characters, its names those of Unicode',
  'project/ignore/pattern.ts': 'classes of one character; lines of at most two stars a name, tried on short paths',
  'project/params/glob.ts': 'classes of one character',
  'repo/reports/plot-definitions.ts': 'patterns that the person in front typed',
};

const context = vm.createContext({ clock: () => performance.now() });
const race = new vm.Script(`(${slowest})(given, clock)`);

const literals = new Map();
const problems = [];
let files = 0;
for (const file of fs
  .readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll(path.sep, '/'))) {
  if (!file.endsWith('.ts') || /\.test\.ts$|(?:^|[-/])contract\.ts$/.test(file)) continue;
  files++;
  const code = fs.readFileSync(path.join(root, file), 'utf8');
  const lineOf = (offset) => code.slice(0, offset).split('\n').length;
  visit(parseSync(file, code).program, (node) => {
    const place = `src/${file}:${lineOf(node.start)}`;
    if (node.type === 'Literal' && node.regex) {
      const { pattern, flags } = node.regex;
      const key = `/${pattern}/${flags}`;
      if (!literals.has(key)) literals.set(key, { pattern, flags, place });
    }
    if (node.type === 'NewExpression' && node.callee.name === 'RegExp' && built[file] === undefined) {
      problems.push(
        `${place}: a regular expression is put together: list its file in scripts/regexes.mjs, or write a literal`,
      );
    }
  });
}

// A look that finds nothing in these is blind.
const wild = ['/+$', '\\d+\\.?\\d*x', '"(?:[^"\\\\]|\\\\.)*"', '^(?:<!--.*?-->\\s*)*<a', '^(a+)+$'];
for (const pattern of wild) {
  if (byAnalysis(pattern, 'g') === undefined && byClock(pattern, 'g') === undefined)
    problems.push(`/${pattern}/ was taken for linear`);
}
for (const [key, { pattern, flags, place }] of literals) {
  const found = byAnalysis(pattern, flags) ?? byClock(pattern, flags);
  if (found !== undefined) problems.push(`${place}: ${key} ${found}`);
}
for (const problem of problems) console.log(problem);
console.log(`${literals.size} regular expressions in ${files} files, ${problems.length} not linear`);
process.exit(problems.length === 0 ? 0 : 1);

function visit(node, see) {
  if (Array.isArray(node)) for (const one of node) visit(one, see);
  else if (typeof node === 'object' && node !== null) {
    if (typeof node.type === 'string') see(node);
    for (const value of Object.values(node)) visit(value, see);
  }
}

function byAnalysis(pattern, flags) {
  const { reports } = analyse(
    { source: pattern, flags },
    { reportTypes: { Move: !flags.includes('y'), Self: true, Trade: true } },
  );
  const [first] = reports;
  if (first === undefined) return undefined;
  const what = first.type === 'Move' ? 'is tried at each place of' : 'can divide in many ways';
  return `${what} a run of ${first.character.literal.source}`;
}

/** Repeats short words of the characters that the expression names, with ends that keep it from matching. */
function byClock(pattern, flags) {
  const literal = pattern.replaceAll(/\\[a-zA-Z]|\{\d+,?\d*\}|\(\?<?[:=!]?|\[(?:\\.|[^\]\\])*\]/g, '*');
  const named = [...pattern.replaceAll(/\\[a-zA-Z]|\{\d+,?\d*\}|\(\?<?[:=!]?/g, '')];
  const escaped = [...pattern.matchAll(/\\([^a-zA-Z0-9])/g)].map(([, c]) => c);
  const spoken = Object.entries({
    '\\d': '1',
    '\\w': 'a',
    '\\s': ' ',
    '.': 'a',
    '[^': 'x',
    '\\n': '\n',
    '-z': 'q',
    '-9': '7',
  });
  const classes = spoken.flatMap(([mark, c]) => (pattern.includes(mark) ? [c] : []));
  const plain = named.filter((c) => !/[\\^$*+?()[\]{}|]/.test(c));
  const characters = [...new Set([...escaped, ...classes, ...plain.slice(0, 6)])].slice(0, 9);
  const runs = (literal.match(/(?:[^\\^$*+?()[\]{}|.]|\\[^a-zA-Z0-9])+/g) ?? [])
    .map((run) => run.replaceAll('\\', ''))
    .filter(Boolean)
    .slice(0, 6);
  const words = [characters, runs].flatMap((all) =>
    all.flatMap((a) => [a, ...all.filter((b) => b !== a).map((b) => a + b)]),
  );
  const ends = [
    ['', '\0'],
    [characters[0] ?? '', '\n\0'],
    ['a', ' x'],
  ];
  context.given = { expression: new RegExp(pattern, flags.replace('g', '')), words, ends };
  try {
    return race.runInContext(context, { timeout: 3_000 });
  } catch (error) {
    if (error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'does not end within three seconds';
    throw error;
  }
}

/** Runs in a context of its own, which can be stopped: a wild expression holds the thread for years. */
function slowest({ expression, words, ends }, clock) {
  const took = (size, word, [start, end]) => {
    const text = start + word.repeat(Math.ceil(size / word.length)) + end;
    let best = Infinity;
    for (let i = 0; i < 3 && best > 3; i++) {
      expression.lastIndex = 0;
      const from = clock();
      expression.exec(text);
      best = Math.min(best, clock() - from);
    }
    return best;
  };
  for (const word of words) {
    for (const end of ends) {
      // Exponential ones show at once; quadratic ones take some milliseconds for 4,000 characters.
      if ([20, 60, 400].some((size) => took(size, word, end) > 50))
        return `takes long for ${JSON.stringify(word)} a few times`;
      if (took(4_000, word, end) <= 3) continue;
      const [half, whole] = [took(8_000, word, end), took(16_000, word, end)];
      if (whole > 20 && whole > 3 * half)
        return `is quadratic for many ${JSON.stringify(word)}: ${Math.round(whole)} ms for 16,000 characters`;
    }
  }
  return undefined;
}
