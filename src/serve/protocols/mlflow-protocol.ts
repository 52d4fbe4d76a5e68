import { MlopsError } from '../../base/index.ts';
import { mediaType, textOf } from '../wire/body-text.ts';
import { parseCsv, type CsvTable } from '../wire/csv.ts';
import { isObject, parseJson, type Json } from '../wire/json-reader.ts';

/** What MLflow's scoring server calls its four forms of input. */
const forms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;
type Form = (typeof forms)[number];

export interface Scoring {
  readonly form: Form;
  readonly value: Json;
  /** A CSV table, in place of the value. */
  readonly csv?: CsvTable;
  /** Values of the model's parameters, where the request has some. */
  readonly params?: Json | undefined;
  /** The body as it came. */
  text(): string;
}

const supported = "['text/csv', 'application/json']";

/**
 * Reads the body of `/invocations`.
 *
 * @throws MlopsError `unsupported_media`, `bad_json`, `bad_request` in MLflow's words.
 */
export function readScoring(body: unknown, contentType: string | undefined, exact: boolean): Scoring {
  const type = mediaType(contentType);
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (type === 'text/csv') {
    const table = textOf(bytes, contentType);
    return { form: 'dataframe_split', value: null, csv: parseCsv(table), text: () => table };
  }
  if (type !== 'application/json') {
    throw new MlopsError(
      'unsupported_media',
      `This predictor only supports the following content types: Types: ${supported}. Got '${(contentType ?? '').slice(0, 100)}'.`,
    );
  }
  const value = parseJson(bytes, exact, contentType);
  if (!isObject(value)) {
    const kind = Array.isArray(value) ? 'list' : typeof value;
    throw new MlopsError('bad_request', `${oneOf} Received a ${kind}.`);
  }
  const given = forms.filter((form) => Object.hasOwn(value, form));
  const [form] = given;
  if (form === undefined || given.length !== 1) {
    throw new MlopsError(
      'bad_request',
      `${oneOf} Received dictionary with input fields: ${pythonList(Object.keys(value))}.`,
    );
  }
  const params = Object.hasOwn(value, 'params') ? value['params'] : undefined;
  return { form, value: value[form] ?? null, params, text: () => textOf(bytes, contentType) };
}

const oneOf =
  "The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}.";

export function pythonList(names: readonly string[]): string {
  return `[${names
    .slice(0, 20)
    .map((name) => `'${name}'`)
    .join(', ')}]`;
}
