import { createHash } from 'node:crypto';

import { isMlopsError, orFailure } from '../../base/index.ts';
import { manifestId, type TreeFile } from '../../data/index.ts';
import type { Tree } from '../../git/index.ts';
import { madeHere, type LineageEdge, type LineageGraph, type LineageNode } from '../../lineage/index.ts';
import type { Dep, Out } from '../../project/index.ts';
import { folderFiles } from './folder-files.ts';
import type { ProjectState, ProjectStates } from './project-states.ts';
import type { FileRecord, Snapshots } from './snapshots.ts';
import { fileOf, sourceThing } from './things.ts';

/** Bytes of a file of the work tree that is read to see what it is. */
const mostHashed = 256 * 1024 * 1024;

interface Origin {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly gaps: readonly string[];
  readonly source?: LineageNode;
}

/**
 * Says of data that no stage made where it came from: a `.dvc` file (with what it was imported from) or Git, in the
 * commit that it was read in, or in the work tree.
 */
export class Origins {
  readonly #states: ProjectStates;
  readonly #snapshots: Snapshots;

  constructor(states: ProjectStates, snapshots: Snapshots) {
    this.#states = states;
    this.#snapshots = snapshots;
  }

  /** The graph with the origins of its data. */
  annotate(graph: LineageGraph): LineageGraph {
    const made = madeHere(graph);
    const sources: LineageNode[] = [];
    const edges: LineageEdge[] = [];
    const nodes = graph.nodes.map((node) => {
      const file = fileOf(node);
      if (file === undefined || made.has(node.id)) return node;
      const { facts, gaps, source } = this.of(file);
      if (source !== undefined) {
        sources.push(source);
        edges.push({ from: source.id, to: node.id, relation: 'import' });
      }
      return { ...node, facts: { ...node.facts, ...facts }, gaps: [...node.gaps, ...gaps] };
    });
    const fresh = new Map(sources.map((source) => [source.id, source]));
    return { ...graph, nodes: [...nodes, ...fresh.values()], edges: [...graph.edges, ...edges] };
  }

  of(file: FileRecord): Origin {
    const commits = this.#snapshots.loaded
      .filter(({ stages }) =>
        stages.some(({ deps }) => deps.some((dep) => dep.path === file.path && dep.md5 === file.md5)),
      )
      .flatMap(({ commit }) => commit ?? []);
    // The commit that it was read in tells; what was not committed then may be still in the work tree.
    const states = [...new Set([...commits, 'workspace'])].flatMap((revision) => {
      const state = orFailure(() => this.#states.at(revision));
      // A commit of another clone, or one that was rewritten: what it held is not known here.
      return isMlopsError(state) ? [] : [state];
    });
    for (const state of states) {
      const found = this.#tracked(file, state) ?? this.#inGit(file, state);
      if (found !== undefined) return found;
    }
    const where = states.map(({ name }) => name).join(', ');
    return {
      facts: {},
      gaps: [
        `nothing tells where '${file.path}' (${file.md5 ?? 'no md5'}) came from: neither a .dvc file nor Git has it, in ${where}`,
      ],
    };
  }

  #tracked(file: FileRecord, { name, stages }: ProjectState): Origin | undefined {
    for (const stage of stages) {
      if (stage.kind !== 'data') continue;
      for (const out of stage.outs) {
        if (!this.#holds(out, file)) continue;
        const facts = { tracked_by: stage.file, in: name };
        const [dep] = stage.deps;
        return { facts, gaps: [], ...(dep === undefined ? {} : { source: sourceOf(dep) }) };
      }
    }
    return undefined;
  }

  #holds(out: Out, file: FileRecord): boolean {
    if (out.path === file.path) return out.info?.md5 === file.md5;
    if (out.path === undefined || !file.path.startsWith(`${out.path}/`)) return false;
    const relative = file.path.slice(out.path.length + 1);
    return folderFiles(this.#states.repo, out.info?.md5 ?? '').some(
      (one) => one.relpath === relative && one.md5 === file.md5,
    );
  }

  #inGit(file: FileRecord, { name, tree }: ProjectState): Origin | undefined {
    const kind = tree.entry(file.path)?.kind;
    if (kind === undefined || file.md5 === undefined) return undefined;
    const isTracked = tree.root === undefined;
    // The work tree may hold gigabytes, which a look at lineage is not worth.
    if (!isTracked && (file.size ?? 0) > mostHashed) return undefined;
    const md5 = kind === 'dir' ? folderMd5(tree, file.path) : md5Of(tree.read(file.path));
    if (md5 !== file.md5) {
      if (!isTracked) return undefined;
      return {
        facts: { in: name },
        gaps: [
          `'${file.path}' was read as ${file.md5}, but ${name} has it as ${md5 ?? 'nothing'}: what was read had not been committed`,
        ],
      };
    }
    return isTracked
      ? { facts: { git: name }, gaps: [] }
      : { facts: { in: name }, gaps: [`'${file.path}' is in no commit: only the work tree has it`] };
  }
}

function md5Of(content: Uint8Array | undefined): string | undefined {
  return content === undefined ? undefined : createHash('md5').update(content).digest('hex');
}

function folderMd5(tree: Tree, folder: string): string {
  const files: TreeFile[] = [];
  const walk = (at: string): void => {
    for (const { name, kind } of tree.list(at)) {
      const path = `${at}/${name}`;
      if (kind === 'dir') walk(path);
      else files.push({ relpath: path.slice(folder.length + 1), md5: md5Of(tree.read(path)) ?? '' });
    }
  };
  walk(folder);
  return manifestId(files);
}

/** What an import was made from: a file of a repository at a commit, or a URL. */
function sourceOf(dep: Dep): LineageNode {
  const { repo, info, defPath } = dep;
  if (repo !== undefined) {
    const { url, rev, revLock } = repo;
    const name = `${url}#${defPath}@${(revLock ?? rev ?? 'HEAD').slice(0, 12)}`;
    return sourceThing(name, { repository: url, path: defPath, rev, rev_lock: revLock });
  }
  const { etag, checksum, md5, versionId } = info ?? {};
  return sourceThing(defPath, { url: defPath, etag, checksum, md5, version_id: versionId });
}
