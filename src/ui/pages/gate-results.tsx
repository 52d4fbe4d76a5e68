import type { ModelVersion } from '../kit/mlflow.ts';
import { words } from '../words.ts';

interface GateRecord {
  readonly passed?: boolean;
  readonly version?: string;
  readonly at?: string;
  readonly failed?: readonly string[];
  readonly override?: string;
}

/** What the gates of a stage said of a version, as it is recorded on that. */
export function GateResults({ version, stage }: { readonly version: ModelVersion; readonly stage: string }) {
  const record = readRecord(version, stage);
  if (record === undefined) return null;
  const verdict = record.passed === true ? words.models.passed : words.models.failed;
  return (
    <div>
      <p>
        {`${words.models.gateResults} (${stage}): `}
        <span class={record.passed === true ? 'chip good' : 'chip bad'}>{verdict}</span>{' '}
        <span class="soft">{record.at}</span>
      </p>
      {(record.failed ?? []).length === 0 ? null : (
        <ul>
          {(record.failed ?? []).map((name) => (
            <li key={name}>{name}</li>
          ))}
        </ul>
      )}
      {record.override === undefined ? null : <p class="soft">{`${words.models.overridden}: ${record.override}`}</p>}
    </div>
  );
}

function readRecord({ tags = [], version }: ModelVersion, stage: string): GateRecord | undefined {
  const text = tags.find(({ key }) => key === `mlops.gates.${stage}`)?.value;
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as GateRecord | null;
    return record?.version === version ? record : undefined;
  } catch {
    return undefined;
  }
}
