import { messageOf, type Logger } from '../base/index.ts';
import type { Repository } from './repository.ts';

/**
 * Follows the sources until the signal aborts: when the version that a model's selector means has changed, it is
 * loaded and swapped in. What fails to load is reported and leaves the served version alone.
 */
export async function followSources(repository: Repository, signal: AbortSignal, log: Logger): Promise<void> {
  const failed = new Map<string, string>();
  const sources = new Set([...repository.models.values()].map((model) => model.spec.source));
  await Promise.all(
    [...sources].map(async (source) => {
      for await (const _ of source.changes(signal)) {
        for (const model of repository.models.values()) {
          if (model.spec.source === source) await refresh(repository, model.spec.name, failed, log);
        }
      }
    }),
  );
}

async function refresh(repository: Repository, name: string, failed: Map<string, string>, log: Logger): Promise<void> {
  const { spec, current, state } = repository.model(name);
  if (state === 'UNLOADED' || state === 'UNAVAILABLE') return;
  try {
    const ref = await spec.source.resolve(spec.sourceName ?? spec.name, spec.selector);
    if (ref.version === current?.ref.version) return;
    // A version that could not be loaded is not tried again and again.
    if (failed.get(name) === ref.version) return;
    failed.set(name, ref.version);
    await repository.load(name);
    failed.delete(name);
    log.info(`'${name}' now serves version ${ref.version}`);
  } catch (error) {
    log.warn(`'${name}' keeps version ${current?.ref.version ?? 'none'}: ${messageOf(error)}`);
  }
}
