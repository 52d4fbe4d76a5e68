import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import type { ModelSource } from './model-source.ts';

/** A source with one model in it, made for one test. */
export interface ContractSource {
  readonly source: ModelSource;
  readonly name: string;
  /** Gives the model another content; where that cannot be (a run is over), absent. */
  readonly replace?: () => Promise<void> | void;
}

/** What every kind of `ModelSource` must do; called inside a `describe` of its own tests. */
export function modelSourceContract(make: () => Promise<ContractSource> | ContractSource): void {
  it('lists what it resolves: a name, a version and where it comes from', async () => {
    const { source, name } = await make();
    const [ref, ...others] = await source.list();
    expect(others).toEqual([]);
    expect(ref).toMatchObject({ name, version: expect.stringMatching(/^\d+$/) as string });
    expect(ref?.uri).not.toBe('');
    expect(await source.resolve(name)).toEqual(ref);
    expect(await source.resolve(name, ref?.version)).toMatchObject({ name, version: ref?.version });
  });

  it('opens a file that is there until it is released, as often as it is asked', async () => {
    const { source, name } = await make();
    const ref = await source.resolve(name);
    const opened = await Promise.all([source.open(ref), source.open(ref)]);
    for (const { file, folder, ref: own } of opened) {
      expect(own).toMatchObject({ name, version: ref.version });
      expect(path.isAbsolute(file)).toBe(true);
      expect(fs.readFileSync(file).length).toBeGreaterThan(0);
      if (folder !== undefined) expect(file.startsWith(folder)).toBe(true);
    }
    await opened[0]?.release();
    expect(fs.existsSync(opened[1]?.file ?? '')).toBe(true);
    await opened[1]?.release();
  });

  it('has no model of another name, and no version that was never made', async () => {
    const { source, name } = await make();
    for (const wrong of ['', '..', `${name}x`, 'constructor']) {
      await expect(source.resolve(wrong), wrong).rejects.toMatchObject({ code: 'model_not_found' });
    }
    await expect(source.resolve(name, '999')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('means another version or content once the model was replaced', async () => {
    const { source, name, replace } = await make();
    if (replace === undefined) return;
    const before = await source.resolve(name);
    await replace();
    const after = await source.resolve(name);
    expect([after.version, after.fingerprint]).not.toEqual([before.version, before.fingerprint]);
  });

  it('stops telling of changes when it is told to stop', async () => {
    const { source } = await make();
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const ended = (async () => {
      for await (const _ of source.changes(stop.signal)) if (stop.signal.aborted) return 'late';
      return 'ended';
    })();
    stop.abort();
    expect(await ended).toBe('ended');
  });
}
