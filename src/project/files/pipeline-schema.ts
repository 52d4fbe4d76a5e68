import type { PyMap, PyValue } from '../../base/index.ts';
import { schema, type Check, type SchemaError } from '../yaml/schema.ts';

const { anything, text, flag, list, textMap, map, any, nothing, sequence } = schema;

const annotations = { desc: text(), type: text(), labels: sequence(text()), meta: anything() };

const outProperties = {
  ...annotations,
  cache: flag(),
  persist: flag(),
  checkpoint: flag(),
  remote: text(),
  push: flag(),
};

const plotOutProperties = {
  ...outProperties,
  template: text(),
  x: text(),
  y: text(),
  x_label: text(),
  y_label: text(),
  title: text(),
  header: flag(),
};

const outs = sequence(any(text(), map({ others: map({ optional: outProperties }) })));
const plotProperties = map({ optional: plotOutProperties });
const plotOuts = sequence(any(text(), map({ others: any(plotProperties, sequence(plotProperties)) })));
const vars = sequence(any(text(), textMap()));

const stage = map({
  required: { cmd: any(text(), list()) },
  optional: {
    matrix: map({ others: any(text(), list()) }),
    wdir: text(),
    deps: sequence(text()),
    params: sequence(any(text(), textMap())),
    vars,
    frozen: flag(),
    meta: anything(),
    desc: text(),
    always_changed: flag(),
    outs,
    metrics: outs,
    plots: plotOuts,
  },
});

const foreachStage = map({ required: { foreach: any(textMap(), list(), text()), do: stage } });

const stageOrForeach: Check = (path, value) => {
  const generates = value instanceof Map && (value.has('foreach') || value.has('do'));
  return (generates ? foreachStage : stage)(path, value);
};

const plotDefinition = map({
  optional: {
    x: any(text(), map({ others: text() })),
    y: any(text(), sequence(text()), map({ others: any(text(), sequence(text())) })),
    x_label: text(),
    y_label: text(),
    title: text(),
    template: text(),
  },
});

const pipelineFile = map({
  optional: {
    datasets: anything(),
    plots: sequence(any(text(), map({ others: any(plotDefinition, nothing()) }))),
    stages: map({ others: stageOrForeach }),
    vars,
    params: sequence(text()),
    metrics: sequence(text()),
    artifacts: map({ others: map({ required: { path: text() }, optional: annotations }) }),
  },
});

/** What is wrong with the content of a dvc.yaml, in DVC's words and order; empty when it is valid. */
export function checkPipelineFile(data: PyValue | PyMap): readonly SchemaError[] {
  return pipelineFile([], data);
}
