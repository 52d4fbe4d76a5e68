import { useState } from 'preact/hooks';

import { ApiError, mlflow, post } from '../kit/api.ts';
import { refresh } from '../kit/live.ts';
import type { ModelVersion } from '../kit/mlflow.ts';
import { Dialog, say } from '../kit/overlays.tsx';
import { words } from '../words.ts';
import { GateResults } from './gate-results.tsx';

export const stages = ['None', 'Staging', 'Production', 'Archived'] as const;
export type Stage = (typeof stages)[number];

export interface PromoteProps {
  readonly version: ModelVersion;
  readonly stage: Stage;
  readonly onClose: () => void;
}

/** Moves a version to a stage. Where gates refuse, their reasons are shown, and a reason overrides them. */
export function PromoteDialog({ version, stage, onClose }: PromoteProps) {
  const { name, version: number } = version;
  const [archive, setArchive] = useState(stage === 'Production');
  const [refusal, setRefusal] = useState('');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const move = async (): Promise<void> => {
    setBusy(true);
    try {
      if (refusal !== '' && reason.trim() !== '') await override();
      await post(`${mlflow}/model-versions/transition-stage`, {
        name,
        version: number,
        stage,
        archive_existing_versions: archive,
        ...(reason.trim() === '' ? {} : { why: `override: ${reason.trim()}` }),
      });
      refresh();
      say(words.models.moved(number, words.models.stages[stage]));
      onClose();
    } catch (error) {
      setRefusal(error instanceof ApiError ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  /** As `mlops models promote --override` keeps it. */
  const override = (): Promise<unknown> => {
    const at = new Date().toISOString();
    const record = { version: number, stage, passed: false, override: reason.trim(), at };
    const value = JSON.stringify({ ...recordOf(version, stage), ...record });
    return post(`${mlflow}/model-versions/set-tag`, { name, version: number, key: `mlops.gates.${stage}`, value });
  };
  const mayOverride = refusal !== '' && (stage === 'Staging' || stage === 'Production');
  return (
    <Dialog title={words.models.promoteTitle(number, words.models.stages[stage])} onClose={onClose}>
      <GateResults version={version} stage={stage} />
      {stage === 'Production' || stage === 'Staging' ? (
        <label class="toggle">
          <input type="checkbox" checked={archive} onChange={(event) => setArchive(event.currentTarget.checked)} />
          {words.models.archive}
        </label>
      ) : null}
      {refusal === '' ? null : (
        <p class="notice" role="alert">
          <strong>{words.models.refused}.</strong> {refusal}
        </p>
      )}
      {mayOverride ? (
        <label class="fields">
          <span>{words.models.override}</span>
          <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          <span class="soft">{words.models.overrideHint}</span>
        </label>
      ) : null}
      <footer class="row end">
        <button class="button" onClick={onClose}>
          {words.dialog.cancel}
        </button>
        <button
          class="button strong"
          disabled={busy || (refusal !== '' && reason.trim() === '')}
          onClick={() => void move()}
        >
          {words.models.move}
        </button>
      </footer>
    </Dialog>
  );
}

function recordOf({ tags = [] }: ModelVersion, stage: Stage): object {
  try {
    const text = tags.find(({ key }) => key === `mlops.gates.${stage}`)?.value ?? '{}';
    const record: unknown = JSON.parse(text);
    return typeof record === 'object' && record !== null ? record : {};
  } catch {
    return {};
  }
}
