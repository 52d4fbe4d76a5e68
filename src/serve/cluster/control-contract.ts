import { expect, it } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import type { MemorySource } from '../models/memory-source.ts';
import type { Repository } from '../running/repository.ts';
import type { Control } from './control.ts';

/** A server as the contract sees it: its processes have loaded the model `m` of `source`, version 1. */
export interface ContractServer {
  readonly control: Control;
  readonly source: MemorySource;
  /** Of every process. */
  readonly repositories: readonly Repository[];
}

/** Version `factor` answers `factor` times the sum of a row. */
export const times = (factor: number): Uint8Array =>
  linearModel(
    2,
    1,
    () => factor,
    () => 0,
  );

/** What every kind of `Control` must do; called inside a `describe` of its own tests. */
export function controlContract(make: () => Promise<ContractServer>): void {
  const versions = ({ repositories }: ContractServer, name = 'm') =>
    new Set(repositories.map((one) => one.models.get(name)?.current?.ref.version));

  it('makes what the source says now the default version, or the one that is named, everywhere', async () => {
    const server = await make();
    const { control, source } = server;
    source.add('m', '2', times(2)).add('m', '3', times(3));
    expect((await control.load('m')).ref).toMatchObject({ name: 'm', version: '3' });
    expect(versions(server)).toEqual(new Set(['3']));
    source.point('m', 'champion', '2');
    // The only model needs no name.
    expect((await control.load(undefined, 'champion')).ref.version).toBe('2');
    expect(versions(server)).toEqual(new Set(['2']));
    for (const repository of server.repositories) expect([...repository.model('m').versions.keys()]).toEqual(['2']);
  });

  it('changes nothing where a load fails', async () => {
    const server = await make();
    const { control, source } = server;
    source.add('m', '2', Buffer.from('no model'));
    await expect(control.load('m')).rejects.toMatchObject({ code: 'model_broken' });
    await expect(control.load('m', '9')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(control.load('nobody')).rejects.toMatchObject({ code: 'model_not_found' });
    expect(versions(server)).toEqual(new Set(['1']));
    for (const { models } of server.repositories) expect(models.get('m')).toMatchObject({ state: 'READY', swaps: 0 });
  });

  it('unloads until it is told to load again', async () => {
    const server = await make();
    const { control } = server;
    await control.unload('m', 'a reason');
    expect(versions(server)).toEqual(new Set([undefined]));
    for (const { models } of server.repositories) {
      expect(models.get('m')).toMatchObject({ state: 'UNAVAILABLE', reason: 'a reason' });
    }
    await expect(control.unload('nobody')).rejects.toMatchObject({ code: 'model_not_found' });
    expect((await control.load('m')).ref.version).toBe('1');
    expect(versions(server)).toEqual(new Set(['1']));
  });

  it('serves one more model of a growing source; twice is once', async () => {
    const server = await make();
    const { control, source } = server;
    source.add('late', '7', times(7));
    await control.add('late', 0);
    await control.add('late', 0);
    await control.add('nothing', 5);
    expect((await control.load('late')).ref).toMatchObject({ name: 'late', version: '7' });
    expect(versions(server, 'late')).toEqual(new Set(['7']));
    expect(server.repositories.map(({ models }) => [...models.keys()])).toEqual(
      server.repositories.map(() => ['m', 'late']),
    );
  });

  it('ends changes that come together in one state', async () => {
    const server = await make();
    const { control, source } = server;
    for (const version of ['2', '3', '4']) source.add('m', version, times(Number(version)));
    const loads = ['2', '3', '4', '3'].map((version) => control.load('m', version));
    expect((await Promise.all(loads)).map(({ ref }) => ref.version)).toEqual(['2', '3', '4', '3']);
    expect(versions(server).size).toBe(1);
  });

  it('counts of all processes together: a swap in each of them is one', async () => {
    const server = await make();
    const { control, source } = server;
    source.add('m', '2', times(2));
    await control.load('m');
    const snapshot = await control.snapshot();
    expect(snapshot.workers).toBe(server.repositories.length);
    expect(snapshot.models).toEqual([{ name: 'm', loaded: true, swaps: 1 }]);
    expect(snapshot.versions.filter(({ loaded }) => loaded).map(({ version }) => version)).toEqual(['2']);
  });
}
