import type { ModelVersion, Run } from '../../mlflow/index.ts';
import { parseMlModel, type MlModel } from '../../model/index.ts';
import type { ArtifactStore, TrackingStore } from '../../tracking/index.ts';
import { artifactFiles } from '../registry/artifact-files.ts';
import { signatureOf, signatureWords, trustedKeys } from '../registry/model-signature.ts';
import { versionTag } from '../registry/resolve-model.ts';
import type { GateResult } from './gate-result.ts';
import type { StageGates } from './gates-file.ts';

/** What a version must have: tags, signature, input example, lineage, a clean commit. */
export async function requiredGates(
  store: TrackingStore,
  version: ModelVersion,
  run: Run | undefined,
  required: StageGates['required'],
  cwd: string,
): Promise<GateResult[]> {
  if (required === undefined) return [];
  const results: GateResult[] = [];
  const put = (name: string, passed: boolean, expected: string, found: string): void => {
    results.push({ gate: 'required', name, passed, expected, found });
  };
  for (const [key, wanted] of wantedTags(required.tags)) {
    const value = versionTag(version, key);
    const passed = value !== undefined && (wanted === undefined || value === wanted);
    put(`tag ${key}`, passed, wanted === undefined ? 'is set' : `is ${wanted}`, value ?? 'not set');
  }
  if (required.signature || required.input_example) {
    const model = await mlModelOf(store.artifacts(await store.getDownloadUri(version.name, version.version)));
    if (required.signature) put('signature', model?.signature !== undefined, 'is there', thereOr(model?.signature));
    if (required.input_example) {
      put('input_example', model?.inputExample !== undefined, 'is there', thereOr(model?.inputExample));
    }
  }
  if (required.lineage) {
    const found = lineageOf(version, run);
    put('lineage', found !== undefined, 'what data it was made from', found ?? noLineage(run));
  }
  if (required.clean_git) {
    const { passed, found } = gitOf(run);
    put('clean_git', passed, 'a commit without changes', found);
  }
  if (required.signed) {
    const found = await signatureOf(store, version, trustedKeys(cwd));
    const passed = found.state === 'valid' && found.trusted;
    put('signed', passed, 'by a trusted key', signatureWords(found));
  }
  return results;
}

/** The bytes of all files of a version. */
export async function sizeGate(
  store: TrackingStore,
  version: ModelVersion,
  limit: StageGates['size_mb'],
): Promise<GateResult[]> {
  if (limit === undefined) return [];
  const files = await artifactFiles(store.artifacts(await store.getDownloadUri(version.name, version.version)));
  const bytes = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
  const size = bytes / 1e6;
  const found = `${size < 0.1 ? size.toPrecision(2) : size.toFixed(1)} MB`;
  return [
    {
      gate: 'size_mb',
      name: 'size',
      passed: size <= limit.max,
      expected: `at most ${limit.max} MB`,
      found,
      details: { bytes },
    },
  ];
}

function wantedTags(tags: NonNullable<StageGates['required']>['tags']): [string, string | undefined][] {
  if (tags === undefined) return [];
  if (Array.isArray(tags)) return (tags as readonly string[]).map((key) => [key, undefined]);
  return [...(tags as ReadonlyMap<string, unknown>)].map(([key, value]) => [key, String(value)]);
}

function thereOr(value: unknown): string {
  return value === undefined ? 'none' : 'one';
}

async function mlModelOf(files: ArtifactStore): Promise<MlModel | undefined> {
  if (!(await files.list('')).some(({ path }) => path === 'MLmodel')) return undefined;
  return parseMlModel(Buffer.from(await files.get('MLmodel')).toString('utf8'), 'MLmodel');
}

/** A dataset that was logged as an input of the run, or the stage of a dvc.lock that made the file. */
function lineageOf(version: ModelVersion, run: Run | undefined): string | undefined {
  const datasets = (run?.datasets ?? []).map(({ dataset }) => dataset.name);
  if (datasets.length > 0) return datasets.slice(0, 5).join(', ');
  const stage = versionTag(version, 'mlops.stage');
  return stage === undefined || stage === '' ? undefined : `stage ${stage}`;
}

function noLineage(run: Run | undefined): string {
  return run === undefined ? 'no run' : `the run ${run.info.id} has no dataset, and no stage made the file`;
}

function gitOf(run: Run | undefined): { passed: boolean; found: string } {
  const tag = (key: string): string | undefined => run?.tags.find((one) => one.key === key)?.value;
  const commit = tag('mlflow.source.git.commit');
  if (commit === undefined) return { passed: false, found: 'the run names no commit' };
  const dirty = tag('mlops.git.dirty') ?? tag('mlflow.git.dirty') ?? tag('mlflow.source.git.dirty');
  const short = commit.slice(0, 7);
  if (dirty === undefined) return { passed: false, found: `${short}, but not whether there were changes` };
  const isDirty = dirty.toLowerCase() !== 'false';
  return { passed: !isDirty, found: isDirty ? `${short} with changes` : short };
}
