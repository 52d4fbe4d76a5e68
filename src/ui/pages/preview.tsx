import { useState } from 'preact/hooks';

import { addressOf, getText, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { readCsv } from '../kit/csv.ts';
import { Icon } from '../kit/icon.tsx';
import { Markdown } from '../kit/markdown.tsx';
import { Failure, Loading } from '../kit/parts.tsx';
import { words } from '../words.ts';

/** How much of a text is fetched, in bytes. */
const textBytes = 512 * 1024;
const shownRows = 500;

const kinds: Readonly<Record<string, string>> = {
  ...{
    png: 'image',
    jpg: 'image',
    jpeg: 'image',
    gif: 'image',
    webp: 'image',
    bmp: 'image',
    svg: 'image',
    ico: 'image',
  },
  ...{ html: 'page', htm: 'page', csv: 'table', tsv: 'table', json: 'json', geojson: 'json', md: 'markdown' },
  ...{ mp4: 'video', webm: 'video', mp3: 'audio', wav: 'audio' },
};
const binary = new Set([
  ...['onnx', 'pkl', 'pickle', 'joblib', 'pt', 'pth', 'h5', 'npz', 'npy', 'parquet', 'zip', 'gz', 'tar', 'tgz', 'bin'],
  ...[
    'safetensors',
    'db',
    'so',
    'whl',
    'pdf',
    'model',
    'cbm',
    'ubj',
    'feather',
    'arrow',
    'xz',
    'bz2',
    '7z',
    'tif',
    'tiff',
  ],
]);

/** A look into one logged file. Nothing in it runs. */
export function Preview({ run, path }: { readonly run: string; readonly path: string }) {
  const address = addressOf('/get-artifact', { run_id: run, path });
  const name = path.slice(path.lastIndexOf('/') + 1);
  const ending = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
  const kind = kinds[ending] ?? (binary.has(ending) ? 'none' : 'text');
  return (
    <>
      <header>
        <h2 class="grow">{path}</h2>
        <a class="button small" href={address} download={name}>
          <Icon name="download" />
          {words.artifacts.download}
        </a>
      </header>
      {content()}
    </>
  );

  function content() {
    if (kind === 'image') return <Picture address={address} name={name} />;
    if (kind === 'none') return <p class="soft">{words.artifacts.noPreview}</p>;
    if (kind === 'video') return <video controls src={address} />;
    if (kind === 'audio') return <audio controls src={address} />;
    if (kind === 'page') {
      const page = addressOf(`${mlflow}/mlops-ui/page`, { run_id: run, path });
      return (
        <>
          <p class="soft">{words.artifacts.page}</p>
          <iframe title={name} src={page} sandbox="" referrerpolicy="no-referrer" />
        </>
      );
    }
    return <Text address={address} kind={kind} separator={ending === 'tsv' ? '\t' : ','} />;
  }
}

function Picture({ address, name }: { readonly address: string; readonly name: string }) {
  const [actual, setActual] = useState(false);
  const [size, setSize] = useState('');
  return (
    <>
      <p class="row">
        <button class="button small" onClick={() => setActual(!actual)}>
          {actual ? words.artifacts.fit : words.artifacts.zoom}
        </button>
        <span class="soft">{size}</span>
      </p>
      <div class="box" tabIndex={0} role="group" aria-label={name}>
        <img
          class={actual ? 'actual' : ''}
          src={address}
          alt={name}
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => setSize(`${naturalWidth} × ${naturalHeight}`)}
        />
      </div>
    </>
  );
}

function Text(props: { readonly address: string; readonly kind: string; readonly separator: string }) {
  const { address, kind, separator } = props;
  const { data, error } = useAsk(address, () => getText(address, textBytes), false);
  if (error !== undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const { text, cut } = data;
  if (text.includes('\0')) return <p class="soft">{words.artifacts.noPreview}</p>;
  return (
    <>
      {cut ? <p class="soft">{words.artifacts.cut}</p> : null}
      <div class="box" tabIndex={0} role="group" aria-label={kind}>
        {kind === 'markdown' ? (
          <Markdown text={text} />
        ) : kind === 'table' ? (
          <Table text={text} separator={separator} />
        ) : (
          <pre>{kind === 'json' && !cut ? prettyJson(text) : text}</pre>
        )}
      </div>
    </>
  );
}

/** Numbers stay as they are written: a digest of digits is no float. */
function prettyJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    const tables = value as { columns?: unknown; data?: unknown };
    return Array.isArray(tables.columns) && Array.isArray(tables.data) ? text : JSON.stringify(value, null, 2);
  } catch {
    return text;
  }
}

function Table({ text, separator }: { readonly text: string; readonly separator: string }) {
  const [head = [], ...rows] = readCsv(text, separator, shownRows + 1);
  return (
    <>
      {rows.length < shownRows ? null : <p class="soft">{words.artifacts.rows(shownRows)}</p>}
      <table class="plain">
        <thead>
          <tr>
            {head.map((cell, i) => (
              <th key={i}>{cell}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, k) => (
                <td key={k} class={cell !== '' && Number.isFinite(Number(cell)) ? 'number' : ''}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
