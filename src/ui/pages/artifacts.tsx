import { useState } from 'preact/hooks';

import { get, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { bytesText } from '../kit/format.ts';
import { Icon } from '../kit/icon.tsx';
import type { ArtifactEntry, Run } from '../kit/mlflow.ts';
import { Failure, Loading } from '../kit/parts.tsx';
import { href, type Route } from '../kit/route.ts';
import { words } from '../words.ts';
import { Preview } from './preview.tsx';

/** The files of a run: a tree whose folders are read when they are opened, and a look into one file. */
export function Artifacts({ route, run }: { readonly route: Route; readonly run: Run }) {
  const { parts } = route;
  // MLflow links to files as /artifacts/folder/file.
  const chosen = route.query.get('path') ?? parts.slice(5).join('/');
  const id = run.info.run_id;
  const hrefOf = (path: string): string =>
    href(['experiments', run.info.experiment_id, 'runs', id, 'artifacts'], { path });
  return (
    <div class="files">
      <nav class="card tree" aria-label={words.artifacts.tree}>
        <Folder run={id} path="" chosen={chosen} hrefOf={hrefOf} />
      </nav>
      <section class="card preview">
        {chosen === '' ? <p class="soft">{words.artifacts.pick}</p> : <Preview key={chosen} run={id} path={chosen} />}
      </section>
    </div>
  );
}

interface FolderProps {
  readonly run: string;
  readonly path: string;
  readonly chosen: string;
  readonly hrefOf: (path: string) => string;
}

const listed = 1000;

function Folder({ run, path, chosen, hrefOf }: FolderProps) {
  const { data, error } = useAsk(`files ${run} ${path}`, (signal) =>
    get<{ files?: readonly ArtifactEntry[] }>(`${mlflow}/artifacts/list`, { run_id: run, path }, signal),
  );
  if (error !== undefined && data === undefined) {
    return error.status === 501 ? <p class="soft">{words.artifacts.away}</p> : <Failure error={error} />;
  }
  if (data === undefined) return <Loading />;
  const files = data.files ?? [];
  if (files.length === 0) return <p class="soft">{words.run.noArtifacts}</p>;
  return (
    <ul>
      {files.slice(0, listed).map((file) => (
        <li key={file.path}>
          {file.is_dir ? (
            <SubFolder run={run} path={file.path} chosen={chosen} hrefOf={hrefOf} />
          ) : (
            <a class="item" href={hrefOf(file.path)} aria-current={file.path === chosen ? 'true' : undefined}>
              <Icon name="file" />
              <span>{file.path.slice(file.path.lastIndexOf('/') + 1)}</span>
              <span class="soft">{bytesText(file.file_size)}</span>
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}

function SubFolder(props: FolderProps) {
  const { path, chosen } = props;
  const [open, setOpen] = useState(chosen.startsWith(`${path}/`));
  return (
    <>
      <button class="item" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="folder" />
        <span>{path.slice(path.lastIndexOf('/') + 1)}/</span>
      </button>
      {open ? <Folder {...props} /> : null}
    </>
  );
}
