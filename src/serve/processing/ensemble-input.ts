import { requestKeys, type EnsembleConfig } from './ensemble-config.ts';
import type { InputStep } from './steps.ts';

/** The input of an ensemble: values by the keys of the request, which its members read. */
export function ensembleInput(config: EnsembleConfig): InputStep {
  const names = requestKeys(config);
  return {
    kind: 'ensemble',
    names,
    holdsText: () => true,
    read: () => {
      throw new Error('the members of an ensemble read its inputs');
    },
    rows: () => ({ count: 0, columns: 0, row: () => ({}) }),
    targets: new Map(names.map((name) => [name, []])),
    schema: () => ({
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, {}])),
      required: names,
    }),
    example: () => Object.fromEntries(names.map((name) => [name, '...'])),
  };
}
