import type { Tree, TreePath } from '../../git/index.ts';
import { compilePattern, rebasePattern, type IgnorePattern } from './pattern.ts';
import { RuleIndex, type RankedPattern } from './rule-index.ts';

export const ignoreFileName = '.dvcignore';

/** What the rules say about one path. */
export interface IgnoreVerdict {
  readonly ignored: boolean;
  /** The rules that decided, as `check-ignore -d` shows them; a negated rule may be the last. */
  readonly rules: readonly string[];
}

/** Rules that are in force for the entries of a folder. */
interface RuleSet {
  /** Lines rebased to the project's root, in the order of files from the root down. */
  readonly index: RuleIndex;
  /** Decisions about single paths, kept because every path asks again about its parents. */
  readonly known: Map<string, Decision>;
  /** True when no rule but the defaults can match a file: most projects, where a glance at the name is enough. */
  readonly plain: boolean;
  /** Folders known not to be ignored, nor any above them. */
  readonly open: Set<TreePath>;
}

interface Decision {
  readonly ignored: boolean;
  readonly rule: string | undefined;
}

const defaults = ['.hg/', '.git/', '.git', '.dvc/'].flatMap((line) => compilePattern(line, `:${line}`) ?? []);

function ruleSet(patterns: readonly IgnorePattern[], above?: RuleSet): RuleSet {
  const isPlain = above?.plain ?? true;
  const plain = isPlain && patterns.every((pattern) => pattern.directoriesOnly || defaults.includes(pattern));
  return { index: new RuleIndex(patterns, above?.index), known: new Map(), plain, open: new Set() };
}

/**
 * The `.dvcignore` files of a project: gitignore syntax, one file per folder, deeper files weigh more.
 * Nested projects (folders with a `.dvc` of their own) and the folders of Git and DVC are ignored too.
 */
export class IgnoreRules {
  private readonly tree: Tree;
  private readonly forFiles = new Map<TreePath, RuleSet>();
  private readonly forFolders = new Map<TreePath, RuleSet>();

  constructor(tree: Tree) {
    this.tree = tree;
  }

  ignored(path: TreePath, isDirectory: boolean): boolean {
    if (path === '') return false;
    const dir = parentOf(path);
    if (isDirectory) return this.check(path, true).ignored;
    const rules = this.fileRules(dir);
    if (!rules.plain) return judge(rules, path, false).ignored;
    if (!rules.open.has(dir)) {
      if (judge(rules, path, false).ignored) return true;
      rules.open.add(dir);
    }
    return path.endsWith('.git') && path.slice(dir === '' ? 0 : dir.length + 1) === '.git';
  }

  /** As `ignored`, with the rules that decided. */
  check(path: TreePath, isDirectory: boolean): IgnoreVerdict {
    const dir = parentOf(path);
    return judge(isDirectory ? this.folderRules(dir) : this.fileRules(dir), path, isDirectory);
  }

  /** What holds for the files of a folder. */
  private fileRules(dir: TreePath): RuleSet {
    return memo(this.forFiles, dir, () => {
      const above = dir === '' ? ruleSet(defaults) : this.folderRules(parentOf(dir));
      return extended(above, this.ownRules(dir, above));
    });
  }

  /** What holds for the folders of a folder, and below them: nested projects are looked for only where there are any. */
  private folderRules(dir: TreePath): RuleSet {
    return memo(this.forFolders, dir, () => extended(this.fileRules(dir), this.nestedProjects(dir)));
  }

  private ownRules(dir: TreePath, above: RuleSet): IgnorePattern[] {
    const file = join(dir, ignoreFileName);
    if (judge(above, file, false).ignored) return [];
    const bytes = this.tree.read(file);
    if (bytes === undefined) return [];
    const lines = Buffer.from(bytes)
      .toString('utf8')
      .split(/\r\n|\n|\r/);
    return lines.flatMap((raw, i) => {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) return [];
      return compilePattern(rebasePattern(line, dir), `${file}:${i + 1}:${line}`) ?? [];
    });
  }

  private nestedProjects(dir: TreePath): IgnorePattern[] {
    const names = this.tree.folders?.(dir) ?? foldersOf(this.tree, dir);
    return names.flatMap((name) => {
      if (name === '.git' || name === '.dvc') return [];
      if (this.tree.entry(join(join(dir, name), '.dvc')) === undefined) return [];
      const rule = rebasePattern(`/${name}/`, dir);
      return compilePattern(rule, `in sub_repo:${name}`) ?? [];
    });
  }
}

function memo<T>(known: Map<TreePath, T>, dir: TreePath, make: () => T): T {
  let value = known.get(dir);
  if (value === undefined) known.set(dir, (value = make()));
  return value;
}

function extended(rules: RuleSet, added: readonly IgnorePattern[]): RuleSet {
  return added.length === 0 ? rules : ruleSet(added, rules);
}

function foldersOf(tree: Tree, dir: TreePath): string[] {
  return tree.list(dir).flatMap(({ kind, name }) => (kind === 'dir' ? [name] : []));
}

function judge(set: RuleSet, path: TreePath, isDirectory: boolean): IgnoreVerdict {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const decision = decide(set, path.slice(0, slash), true);
    if (decision.ignored) return { ignored: true, rules: ruleList(decision) };
  }
  const decision = decide(set, path, isDirectory);
  return { ignored: decision.ignored, rules: ruleList(decision) };
}

function ruleList(decision: Decision): string[] {
  return decision.rule === undefined ? [] : [decision.rule];
}

/** The last block of rules with a match decides; of rules of one kind in a row the first that matches is named. */
function decide(set: RuleSet, path: string, isDirectory: boolean): Decision {
  if (!isDirectory) return search(set.index, path, false);
  const known = set.known.get(path);
  if (known !== undefined) return known;
  const decision = search(set.index, path, true);
  set.known.set(path, decision);
  return decision;
}

function search(index: RuleIndex, path: string, isDirectory: boolean): Decision {
  const patterns = index.candidates(path);
  for (let end = patterns.length; end > 0;) {
    const start = blockStart(patterns, end);
    const found = matchBlock(patterns.slice(start, end), path, isDirectory)?.pattern;
    if (found !== undefined) return { ignored: found.ignores, rule: found.origin };
    end = start;
  }
  return { ignored: false, rule: undefined };
}

function blockStart(patterns: readonly RankedPattern[], end: number): number {
  const block = patterns[end - 1]?.block;
  let start = end - 1;
  while (start > 0 && patterns[start - 1]?.block === block) start--;
  return start;
}

function matchBlock(block: readonly RankedPattern[], path: string, isDirectory: boolean): RankedPattern | undefined {
  if (block[0]?.pattern.directoriesOnly === true && !isDirectory) return undefined;
  const asFile = block.find(({ pattern }) => pattern.matcher.test(path));
  return asFile ?? (isDirectory ? block.find(({ pattern }) => pattern.matcher.test(`${path}/`)) : undefined);
}

function parentOf(path: TreePath): TreePath {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function join(dir: TreePath, name: string): TreePath {
  return dir === '' ? name : `${dir}/${name}`;
}
