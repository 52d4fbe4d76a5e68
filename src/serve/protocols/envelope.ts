import { MlopsError } from '../../base/index.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { isObject, showJson, type Json, type JsonObject } from '../wire/json-reader.ts';
import { invalid } from '../wire/tensor-json.ts';

/** Keys of a `/predict` body that mean something besides the model's inputs, unless the model has inputs of that name. */
const reserved: ReadonlySet<string> = new Set([
  ...['model', 'model_version', 'inputs', 'instances', 'outputs', 'id', 'parameters'],
]);

/** Which model and version a request asks for, and by which keys of its body it says so. */
export interface Route {
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly said: ReadonlySet<string>;
}

/** What the target of a request says of its model. */
export interface RouteQuery {
  readonly model?: string;
  readonly model_version?: string;
}

/** Where the values of a request stand: under `inputs`, under `instances`, or '' at the top level. */
export interface Rows {
  readonly at: 'inputs' | 'instances' | '';
  readonly value: Json;
}

/** A text of the body that may be absent. @throws MlopsError `invalid_input`. */
export function optionalText(body: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(body, key) ? body[key] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return String(value);
  throw invalid(key, 'a text', showJson(value));
}

/** The names under which a model takes values: the columns or the text of serving.yaml, else its inputs. */
export function namesOf(version: VersionFacts): ReadonlySet<string> {
  return new Set(version.processing?.input?.names ?? [...version.inputs, ...version.optional].map(({ name }) => name));
}

/** True when a body has a key that may name the model. */
export function namesModel(body: JsonObject): boolean {
  return Object.hasOwn(body, 'model') || Object.hasOwn(body, 'model_version');
}

/**
 * The model and version that a request names in the query or in its body. A column called `model` is data where only
 * one model is served.
 *
 * @param own how the only model names its values, where there is one.
 * @throws MlopsError `invalid_input`.
 */
export function routeIn(query: RouteQuery, body: JsonObject, own: ReadonlySet<string> | undefined): Route {
  const said = new Set<string>();
  const read = (key: 'model' | 'model_version'): string | undefined => {
    if (query[key] !== undefined) return query[key];
    if (own?.has(key) === true && envelopeOf(body, own) === undefined) return undefined;
    const text = optionalText(body, key);
    if (text !== undefined) said.add(key);
    return text;
  };
  return { model: read('model'), version: read('model_version'), said };
}

/**
 * The values of a request. The model's own names win over the ones that this protocol uses; where it cannot be told
 * which is meant, the request is refused.
 *
 * @throws MlopsError `invalid_input` with the way out.
 */
export function rowsOf(version: VersionFacts, body: JsonObject, said: ReadonlySet<string> = new Set()): Rows {
  const own = namesOf(version);
  const at = envelopeOf(body, own);
  if (at === undefined) {
    const both = [...said].find((key) => own.has(key));
    if (both !== undefined) throw ambiguous(both, `this model has an input '${both}'`);
    const entries = Object.entries(body).filter(([key]) => own.has(key) || !reserved.has(key));
    return { at: '', value: Object.fromEntries(entries) };
  }
  const beside = Object.keys(body).find(
    (key) => own.has(key) && key !== at && !said.has(key) && !(key === 'outputs' && isListOfTexts(body[key])),
  );
  if (beside !== undefined) throw ambiguous(beside, `'${beside}' stands beside '${at}'`);
  return { at, value: body[at] ?? null };
}

/** The outputs asked for; undefined: all of them. @throws MlopsError `invalid_input`. */
export function outputsAsked(version: VersionFacts, body: JsonObject): readonly string[] | undefined {
  const outputs = Object.hasOwn(body, 'outputs') ? body['outputs'] : undefined;
  if (outputs === undefined || outputs === null) return undefined;
  const own = namesOf(version);
  if (own.has('outputs') && envelopeOf(body, own) === undefined) return undefined;
  if (isListOfTexts(outputs)) return outputs;
  throw invalid('outputs', 'a list of output names', showJson(outputs));
}

/** `inputs` or `instances`, unless it is a name of the model's own among others of them. */
function envelopeOf(body: JsonObject, own: ReadonlySet<string>): 'inputs' | 'instances' | undefined {
  const at = (['inputs', 'instances'] as const).find((key) => Object.hasOwn(body, key));
  if (at === undefined || !own.has(at) || isObject(body[at])) return at;
  return Object.keys(body).some((key) => key !== at && own.has(key)) ? undefined : at;
}

function isListOfTexts(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function ambiguous(key: string, why: string): MlopsError {
  return new MlopsError('invalid_input', `${key}: it is not clear what is meant: ${why}`, {
    hint: 'put all values under `inputs`, and name the model in the query: /predict?model=NAME',
    data: { path: key },
  });
}
