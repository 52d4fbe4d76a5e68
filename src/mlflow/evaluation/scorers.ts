import { MlopsError } from '../../base/index.ts';
import { invalid } from '../limits.ts';
import type { Json } from '../wire-tracking.ts';

/** One version of a judge of traces. `body` is what its client wrote; nothing here is ever run. */
export interface ScorerVersion {
  readonly scorerId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly version: number;
  readonly body: string;
  readonly creationTime: number;
}

/** How many of the traces that come in a scorer is to judge. */
export interface OnlineScoring {
  readonly id: string;
  readonly scorerId: string;
  readonly experimentId: string;
  readonly sampleRate: number;
  readonly filter: string | undefined;
}

export function scorerToJson(scorer: ScorerVersion): Json {
  return {
    // A number here, where all else has a text.
    experiment_id: Number(scorer.experimentId),
    scorer_name: scorer.name,
    scorer_version: scorer.version,
    serialized_scorer: scorer.body,
    creation_time: scorer.creationTime,
    scorer_id: scorer.scorerId,
  };
}

export function onlineScoringToJson(config: OnlineScoring): Json {
  return {
    online_scoring_config_id: config.id,
    scorer_id: config.scorerId,
    sample_rate: config.sampleRate,
    experiment_id: config.experimentId,
    filter_string: config.filter,
  };
}

type Message = Readonly<Record<string, unknown>>;

/**
 * What MLflow's server takes as a scorer: JSON of one whose instructions are data. One that carries code of its own
 * is refused, as it is there unless the operator says otherwise.
 *
 * @throws MlopsError `invalid_value`; `resource_missing` for a judge at an endpoint of a gateway, of which there is none.
 */
export function checkScorer(name: string, body: string): void {
  let scorer: unknown;
  try {
    scorer = JSON.parse(body);
  } catch {
    throw invalid('serialized_scorer must be valid JSON');
  }
  if (hasCode(scorer)) {
    throw invalid(
      'Custom scorer registration (using @scorer decorator) is disabled: such a scorer is code that would have to be run. Keep its code in a repository and import it directly.',
    );
  }
  if (name.trim() === '') throw invalid('Scorer name cannot be empty or contain only whitespace.');
  const model = typeof scorer === 'object' && scorer !== null ? modelOf(scorer as Message) : undefined;
  if (model === undefined || model === null) return;
  if (typeof model !== 'string') throw invalid('Scorer model must be a string.');
  if (model.trim() === '') throw invalid('Scorer model cannot be empty or contain only whitespace.');
  if (!isGatewayModel(model)) return;
  throw new MlopsError('resource_missing', `GatewayEndpoint not found (name='${model.replace(/^gateway:\/*/, '')}')`);
}

/** Whether a scorer asks a model behind a gateway: only such ones can be run by a server. */
export function usesGateway(body: string): boolean {
  const model = modelOf(JSON.parse(body) as Message);
  return typeof model === 'string' && isGatewayModel(model);
}

function isGatewayModel(model: string): boolean {
  return model.startsWith('gateway:/');
}

function modelOf(scorer: Message): unknown {
  const part = (name: string): Message | undefined => {
    const value = scorer[name];
    const filled = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
    return filled ? (value as Message) : undefined;
  };
  const memory = part('memory_augmented_judge_data');
  const own = part('instructions_judge_pydantic_data') ?? part('builtin_scorer_pydantic_data');
  if (own !== undefined) return own['model'];
  if (memory !== undefined) return modelOf((memory['base_judge'] ?? {}) as Message);
  return part('third_party_scorer_data')?.['model'];
}

function hasCode(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasCode);
  return Object.entries(value).some(([key, inner]) => (key === 'call_source' && Boolean(inner)) || hasCode(inner));
}
