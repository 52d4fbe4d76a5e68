import { describe, expect, it } from 'vitest';

import { commitAll, openProjectWith, read, write } from '../../../test/support/repo.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { repro } from '../pipeline/repro.ts';
import { applyOverrides, parseOverrides } from './experiment-overrides.ts';
import {
  applyExperiment,
  branchExperiment,
  experimentBaseline,
  removeExperiments,
  renameExperiment,
  saveExperiment,
} from './experiment-save.ts';
import { listExperiments } from './experiments-list.ts';

async function project(): Promise<DataRepo> {
  const repo = await openProjectWith({
    'dvc.yaml': 'stages: {s: {cmd: cp params.yaml o, params: [lr], outs: [o]}}\n',
    'params.yaml': 'lr: 0.1 # kept\nlayers: [1, 2]\n',
  });
  await repro(repo);
  commitAll(repo);
  return repo;
}

const names = (repo: DataRepo): string[] =>
  listExperiments(repo.root).flatMap((base) => base.experiments.map(({ name }) => name));

describe('overrides', () => {
  it('are written where they belong, and leave the rest of the file alone', async () => {
    const repo = await project();
    const [overrides = []] = parseOverrides(['lr=0.5', '+new.key=[1, two]', '~layers']);
    const applied = applyOverrides(repo.root, overrides);
    expect(read(repo, 'params.yaml')).toBe('lr: 0.5 # kept\nnew:\n  key:\n  - 1\n  - two\n');
    applied.undo();
    expect(read(repo, 'params.yaml')).toBe('lr: 0.1 # kept\nlayers: [1, 2]\n');
  });

  it('with several values stand for every combination', () => {
    expect(parseOverrides(['a=1,2', 'b=x,y,z'])).toHaveLength(6);
    expect(() => parseOverrides(['=1'])).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  });

  it('change nothing when one of them is refused', async () => {
    const repo = await project();
    const [overrides = []] = parseOverrides(['lr=0.5', 'unknown=1']);
    expect(() => applyOverrides(repo.root, overrides)).toThrow(
      expect.objectContaining({ code: 'bad_params' }) as Error,
    );
    expect(read(repo, 'params.yaml')).toContain('lr: 0.1');
  });
});

describe('experiments', () => {
  it('are saved, listed, applied, renamed, made a branch of and removed', async () => {
    const repo = await project();
    write(repo, 'params.yaml', 'lr: 0.9\nlayers: [1, 2]\n');
    await repro(repo);
    const saved = saveExperiment(repo, { name: 'bold' });
    expect(saved.baseline).toBe(experimentBaseline(repo));
    expect(() => saveExperiment(repo, { name: 'bold' })).toThrow(
      expect.objectContaining({ code: 'resource_exists' }) as Error,
    );
    write(repo, 'params.yaml', 'lr: 0.1\nlayers: [1, 2]\n');
    await repro(repo);
    await applyExperiment(repo, 'bold');
    expect([read(repo, 'params.yaml'), read(repo, 'o')]).toEqual([
      'lr: 0.9\nlayers: [1, 2]\n',
      'lr: 0.9\nlayers: [1, 2]\n',
    ]);
    renameExperiment(repo, 'bold', 'brave', false);
    expect(names(repo)).toEqual(['brave']);
    branchExperiment(repo, 'brave', 'kept');
    expect(() => branchExperiment(repo, 'brave', 'kept')).toThrow(/already exists/);
    expect(removeExperiments(repo, { names: ['brave'] })).toEqual(['brave']);
    expect(names(repo)).toEqual([]);
    await expect(applyExperiment(repo, 'brave')).rejects.toMatchObject({ code: 'unknown_revision' });
  });
});
