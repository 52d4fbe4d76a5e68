/**
 * Questions about evaluation datasets, scorers, issues, label schemas, review queues and what traces say together, asked
 * without a client. genai-twin.jsonl is what MLflow's own server answered on a fresh database; genai-twin.test.ts holds
 * ours against it. To record it anew, with Node 22.18 or newer:
 *
 *     mlflow server --backend-store-uri sqlite:////tmp/fresh.db --artifacts-destination /tmp/fresh
 *     node test/interop/mlflow/genai-calls.ts http://127.0.0.1:5000 test/interop/mlflow/genai-twin.jsonl
 */
import * as fs from 'node:fs';

type Body = Readonly<Record<string, unknown>>;
type Json = Record<string, unknown>;

/** A question: `$name` in its path and body stands for what an earlier answer had. */
interface Call {
  readonly ask: string;
  readonly body?: Body;
  /** Name to where in the answer it is: `dataset.dataset_id`. */
  readonly keep?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Only the status counts: others ask for the rest. */
  readonly quiet?: boolean;
}

const v3 = '/api/3.0/mlflow';
const v2 = '/api/2.0/mlflow';

function call(ask: string, body?: Body, keep?: Call['keep']): Call {
  return { ask, ...(body === undefined ? {} : { body }), ...(keep === undefined ? {} : { keep }) };
}

const experiments: readonly Call[] = [
  call(`POST ${v2}/experiments/create`, { name: 'one' }, { one: 'experiment_id' }),
  call(`POST ${v2}/experiments/create`, { name: 'two' }, { two: 'experiment_id' }),
  call(`POST ${v2}/experiments/create`, { name: 'gone' }, { gone: 'experiment_id' }),
  call(`POST ${v2}/experiments/delete`, { experiment_id: '$gone' }),
  {
    ...call(`POST ${v2}/runs/create`, { experiment_id: '$one', start_time: 1 }, { run: 'run.info.run_id' }),
    quiet: true,
  },
];

const records = [
  { inputs: { q: 'a', n: 1 }, expectations: { answer: 'x' }, tags: { 'mlflow.user': 'ada', k: 'v' } },
  {
    inputs: { n: 2.5, q: 'b' },
    outputs: { text: 'y' },
    source: { source_type: 'trace', source_data: { trace_id: 't' } },
  },
  { inputs: { q: ['ü', null, true, { z: 1, a: 2 }] }, outputs: null },
  { inputs: {} },
];

const datasets: readonly Call[] = [
  call(`POST ${v3}/datasets/create`, {}),
  call(`POST ${v3}/datasets/create`, { name: '' }),
  call(`POST ${v3}/datasets/create`, { name: 7 }),
  call(`POST ${v3}/datasets/create`, { name: 'd1' }, { d1: 'dataset.dataset_id' }),
  call(
    `POST ${v3}/datasets/create`,
    { name: 'd2', experiment_ids: ['$one', '$two'], tags: JSON.stringify({ 'mlflow.user': 'ada', team: 'red' }) },
    { d2: 'dataset.dataset_id' },
  ),
  call(`POST ${v3}/datasets/create`, { name: 'd3' }, { d3: 'dataset.dataset_id' }),
  call(`GET ${v3}/datasets/$d2`),
  call(`GET ${v3}/datasets/nothing`),
  call(`GET ${v3}/datasets/$d2/experiment-ids`),
  call(`GET ${v3}/datasets/nothing/experiment-ids`),
  call(`GET ${v3}/datasets/$d2/records`),
  call(`GET ${v3}/datasets/nothing/records`),
  call(`POST ${v3}/datasets/$d2/records`, {}),
  call(`POST ${v3}/datasets/nothing/records`, { records: '[]' }),
  call(`POST ${v3}/datasets/$d2/records`, { records: JSON.stringify(records) }),
  call(`GET ${v3}/datasets/$d2`),
  call(`POST ${v3}/datasets/$d2/records`, {
    records: JSON.stringify([
      { inputs: { n: 1, q: 'a' }, expectations: { more: [1] }, tags: { 'mlflow.user': 'bob' }, outputs: 'z' },
      { inputs: { q: 'new' }, expectations: { answer: 3 } },
    ]),
  }),
  call(`GET ${v3}/datasets/$d2`),
  call(`GET ${v3}/datasets/$d1`),
  call(`POST ${v3}/datasets/$d1/records`, { records: JSON.stringify([{ inputs: { only: 1 } }]) }),
  call(`GET ${v3}/datasets/$d1/records?max_results=1`, undefined, { r1: 'records.0.dataset_record_id' }),
  call(`DELETE ${v3}/datasets/$d1/records`, { dataset_record_ids: ['dr-none'] }),
  call(`DELETE ${v3}/datasets/$d1/records`, { dataset_record_ids: ['$r1'] }),
  call(`DELETE ${v3}/datasets/nothing/records`, { dataset_record_ids: ['$r1'] }),
  call(`GET ${v3}/datasets/$d1`),
  call(`PATCH ${v3}/datasets/$d1/tags`, {}),
  call(`PATCH ${v3}/datasets/$d1/tags`, { tags: JSON.stringify({ a: 'b', n: 1, gone: null }) }),
  call(`PATCH ${v3}/datasets/nothing/tags`, { tags: '{"a": "b"}' }),
  call(`DELETE ${v3}/datasets/$d1/tags/n`),
  call(`DELETE ${v3}/datasets/$d1/tags/none`),
  call(`DELETE ${v3}/datasets/nothing/tags/none`),
  call(`GET ${v3}/datasets/$d1`),
  call(`POST ${v3}/datasets/$d1/add-experiments`, { experiment_ids: ['$one'] }),
  call(`POST ${v3}/datasets/$d1/add-experiments`, { experiment_ids: ['$one', '987654'] }),
  call(`POST ${v3}/datasets/nothing/add-experiments`, { experiment_ids: ['$one'] }),
  call(`POST ${v3}/datasets/$d1/remove-experiments`, { experiment_ids: ['$two', '987654'] }),
  call(`POST ${v3}/datasets/$d2/remove-experiments`, { experiment_ids: ['$two'] }),
  call(`POST ${v3}/datasets/nothing/remove-experiments`, { experiment_ids: ['$two'] }),
  call(`GET ${v3}/datasets/$d1/experiment-ids`),
  ...[
    { order_by: ['name'] },
    { experiment_ids: ['$one'], order_by: ['name ASC'] },
    { experiment_ids: ['$two'] },
    { experiment_ids: ['987654'] },
    { filter_string: "name = 'd2'" },
    { filter_string: "name LIKE 'd%'", order_by: ['name DESC', 'created_time ASC'] },
    { filter_string: "name ILIKE 'D2'" },
    { filter_string: "name != 'd2'", order_by: ['name ASC'] },
    { filter_string: "name IN ('d2', 'd9')" },
    { filter_string: "tags.team = 'red'" },
    { filter_string: "tags.team != 'blue' AND name = 'd2'" },
    { filter_string: "tags.team LIKE 'r%'" },
    { filter_string: "created_by = 'ada'" },
    { filter_string: "last_updated_by = 'bob'" },
    { filter_string: 'created_time > 5 AND last_update_time >= 5', order_by: ['name'] },
    { filter_string: 'created_time > 1.5' },
    { filter_string: "created_time = 'x'" },
    { filter_string: "color = 'd'" },
    { filter_string: "attribute.name = 'd2'" },
    { filter_string: "tag.team = 'red'" },
    { filter_string: "name = 'd1' OR name = 'd2'" },
    { filter_string: 'name' },
    { order_by: ['created_by'] },
    { order_by: ['tags.team'] },
    { order_by: ['name UP'] },
    { max_results: -1 },
    { max_results: 60_000 },
    { max_results: 'many' },
    { page_token: 'nonsense' },
  ].map((body) => call(`POST ${v3}/datasets/search`, body)),
  call(`GET ${v3}/datasets/search?filter_string=name%20%3D%20'd2'`),
  call(`POST ${v3}/datasets/search`, { max_results: 2, order_by: ['name'] }, { page: 'next_page_token' }),
  call(`POST ${v3}/datasets/search`, { max_results: 2, order_by: ['name'], page_token: '$page' }),
  call(`DELETE ${v3}/datasets/$d1`),
  call(`DELETE ${v3}/datasets/$d1`),
  call(`GET ${v3}/datasets/$d1`),
];

const judge = (model: string, extra: object = {}): string =>
  JSON.stringify({
    name: 'j',
    instructions_judge_pydantic_data: { model, instructions: 'Is {{ outputs }} good?' },
    ...extra,
  });
const guidelines = JSON.stringify({ name: 'g', builtin_scorer_class: 'Guidelines', builtin_scorer_pydantic_data: {} });

const scorers: readonly Call[] = [
  call(`POST ${v3}/scorers/register`, {}),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$one', name: 's' }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$one', name: 's', serialized_scorer: 'no json' }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$one', name: ' ', serialized_scorer: judge('openai:/x') }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$one', name: 's', serialized_scorer: judge(' ') }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$one', name: 's', serialized_scorer: judge('gateway:/none') }),
  call(`POST ${v3}/scorers/register`, {
    ...{ experiment_id: '$one', name: 's' },
    serialized_scorer: judge('openai:/x', { call_source: 'return 1' }),
  }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '987654', name: 's', serialized_scorer: judge('openai:/x') }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$gone', name: 's', serialized_scorer: judge('openai:/x') }),
  call(`POST ${v3}/scorers/register`, { experiment_id: 'x', name: 's', serialized_scorer: judge('openai:/x') }),
  call(
    `POST ${v3}/scorers/register`,
    { experiment_id: '$one', name: 's', serialized_scorer: judge('openai:/x') },
    { s: 'scorer_id' },
  ),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$one', name: 's', serialized_scorer: judge('openai:/y') }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$one', name: 'a', serialized_scorer: guidelines }),
  call(`POST ${v3}/scorers/register`, { experiment_id: '$two', name: 's', serialized_scorer: guidelines }),
  call(`GET ${v3}/scorers/list?experiment_id=$one`),
  call(`GET ${v3}/scorers/list`),
  call(`GET ${v3}/scorers/list?experiment_ids=$two&experiment_ids=$one`),
  call(`GET ${v3}/scorers/list?experiment_ids=$two&experiment_id=$one`),
  call(`GET ${v3}/scorers/list?experiment_id=987654`),
  call(`GET ${v3}/scorers/versions?experiment_id=$one&name=s`),
  call(`GET ${v3}/scorers/versions?experiment_id=$one&name=none`),
  call(`GET ${v3}/scorers/versions?experiment_id=$one`),
  call(`GET ${v3}/scorers/get?experiment_id=$one&name=s`),
  call(`GET ${v3}/scorers/get?experiment_id=$one&name=s&version=1`),
  call(`GET ${v3}/scorers/get?experiment_id=$one&name=s&version=9`),
  call(`GET ${v3}/scorers/get?experiment_id=$one&name=none`),
  call(`GET ${v3}/scorers/get?experiment_id=$gone&name=s`),
  call(`PUT ${v3}/scorers/online-config`, { experiment_id: '$one', name: 's' }),
  call(`PUT ${v3}/scorers/online-config`, { experiment_id: '$one', name: 's', sample_rate: 2 }),
  call(`PUT ${v3}/scorers/online-config`, { experiment_id: '$one', name: 's', sample_rate: 0.5 }),
  call(`PUT ${v3}/scorers/online-config`, { experiment_id: '$one', name: 'none', sample_rate: 0 }),
  call(`PUT ${v3}/scorers/online-config`, {
    ...{ experiment_id: '$one', name: 's', sample_rate: 0, filter_string: "status = 'OK'" },
  }),
  call(`PUT ${v3}/scorers/online-config`, { experiment_id: '$one', name: 's', sample_rate: 0, filter_string: 'x y z' }),
  call(`PUT ${v3}/scorers/online-config`, { experiment_id: '$one', name: 's', sample_rate: 0, filter_string: 5 }),
  call(`GET ${v3}/scorers/online-configs?scorer_ids=$s&scorer_ids=none`),
  call(`GET ${v3}/scorers/online-configs`),
  call(`DELETE ${v3}/scorers/delete`, { experiment_id: '$one', name: 's', version: 9 }),
  call(`DELETE ${v3}/scorers/delete`, { experiment_id: '$one', name: 's', version: 2 }),
  call(`GET ${v3}/scorers/get?experiment_id=$one&name=s`),
  call(`DELETE ${v3}/scorers/delete`, { experiment_id: '$one', name: 's' }),
  call(`DELETE ${v3}/scorers/delete`, { experiment_id: '$one', name: 's' }),
  call(`GET ${v3}/scorers/list?experiment_id=$one`),
];

const minute = 60_000;
/** A fixed time, whose digits no other number has. */
const start = Date.UTC(2026, 0, 1);

function trace(name: string, state: string, at: number, took: number, more: object = {}): Call {
  return { ...traceCall(name, state, at, took, more), quiet: true };
}

function traceCall(name: string, state: string, at: number, took: number, more: object): Call {
  const id = `tr-${Buffer.from(name.padEnd(16, '-')).toString('hex')}`;
  return call(
    `POST ${v3}/traces`,
    {
      trace: {
        trace_info: {
          trace_id: id,
          trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '$one' } },
          request_time: new Date(start + at).toISOString(),
          execution_duration: `${took / 1000}s`,
          state,
          tags: { 'mlflow.traceName': name.slice(0, 2), kind: name.slice(0, 1) },
          ...more,
        },
      },
    },
    { [name]: 'trace.trace_info.trace_id' },
  );
}

const usage = (input: number, output: number): object => ({
  trace_metadata: {
    'mlflow.trace.tokenUsage': JSON.stringify({
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
    }),
    'mlflow.trace.session': input > 10 ? 'late' : 'early',
  },
});

const text = (value: string): object => ({ stringValue: value });

function span(
  id: number,
  name: string,
  took: number,
  code: number,
  attributes: Readonly<Record<string, string>>,
): object {
  const begin = BigInt(start) * 1_000_000n;
  return {
    traceId: Buffer.from('spans-----------').toString('hex'),
    spanId: `00000000000000${10 + id}`,
    ...(id === 0 ? {} : { parentSpanId: '0000000000000010' }),
    name,
    startTimeUnixNano: String(begin + BigInt(id) * 1_000_000n),
    endTimeUnixNano: String(begin + BigInt(id) * 1_000_000n + BigInt(took) * 1_000_000n + 999_999n),
    status: { code },
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: text(value) })),
  };
}

const llm = (model: string, cost: number): Readonly<Record<string, string>> => ({
  'mlflow.spanType': 'LLM',
  'mlflow.llm.model': JSON.stringify(model),
  'mlflow.llm.provider': '"acme"',
  'mlflow.llm.cost': JSON.stringify({ input_cost: cost, output_cost: 2 * cost, total_cost: 3 * cost }),
});

const spans: Call = {
  ...call('POST /v1/traces', {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              span(0, 'root', 100, 1, { 'mlflow.spanType': 'CHAIN' }),
              span(1, 'ask', 40, 1, llm('m1', 0.25)),
              span(2, 'ask', 20, 2, llm('m2', 0.5)),
              span(3, 'plain', 10, 0, {}),
            ],
          },
        ],
      },
    ],
  }),
  headers: { 'x-mlflow-experiment-id': '$two' },
  quiet: true,
};

const traces: readonly Call[] = [
  spans,
  trace('aa1', 'OK', 0, 100, usage(1, 2)),
  trace('aa2', 'OK', minute, 300, usage(10, 20)),
  trace('ab1', 'ERROR', 2 * minute, 50),
  trace('ab2', 'ERROR', 90 * minute, 1_000, usage(100, 200)),
  trace('ba1', 'OK', 91 * minute, 20),
  ...[
    ['$aa1', { assessment_name: 'good', feedback: { value: true } }],
    ['$aa2', { assessment_name: 'good', feedback: { value: false } }],
    ['$ab1', { assessment_name: 'good', feedback: { value: true } }],
    ['$ab1', { assessment_name: 'score', feedback: { value: 0.5 } }],
    ['$ba1', { assessment_name: 'score', feedback: { value: 2 } }],
    ['$ba1', { assessment_name: 'word', feedback: { value: 'yes' } }],
    ['$ba1', { assessment_name: 'other', feedback: { value: 'green' } }],
    ['$ba1', { assessment_name: 'right', expectation: { value: 7 } }],
  ].map(([id, assessment]) => ({
    ...call(`POST ${v3}/traces/${String(id)}/assessments`, {
      assessment: { ...(assessment as object), source: { source_type: 'HUMAN', source_id: 'ada' } },
    }),
    quiet: true,
  })),
];

function metrics(view: string, name: string, aggregations: readonly (string | number)[], more: object = {}): Call {
  return call(`POST ${v3}/traces/metrics`, {
    experiment_ids: ['$one'],
    view_type: view,
    metric_name: name,
    aggregations: aggregations.map((one) =>
      typeof one === 'number' ? { aggregation_type: 'PERCENTILE', percentile_value: one } : { aggregation_type: one },
    ),
    ...more,
  });
}

const day = { time_interval_seconds: 3600, start_time_ms: start, end_time_ms: start + 3 * 3_600_000 };

const traceMetrics: readonly Call[] = [
  call(`POST ${v3}/traces/metrics`, {}),
  metrics('TRACES', 'trace_count', ['COUNT']),
  metrics('TRACES', 'trace_count', ['COUNT'], { experiment_ids: ['$one', '987654'] }),
  metrics('TRACES', 'trace_count', ['COUNT'], { dimensions: ['trace_name'] }),
  metrics('TRACES', 'trace_count', ['COUNT'], { dimensions: ['trace_status', 'trace_name'] }),
  metrics('TRACES', 'trace_count', ['COUNT'], { dimensions: ['trace_status'], max_results: 1 }),
  metrics('TRACES', 'trace_count', ['COUNT'], day),
  metrics('TRACES', 'trace_count', ['COUNT'], { start_time_ms: start + minute, end_time_ms: start + 2 * minute }),
  metrics('TRACES', 'trace_count', ['COUNT'], { time_interval_seconds: 60 }),
  metrics('TRACES', 'session_count', ['COUNT']),
  metrics('TRACES', 'session_count', ['COUNT'], day),
  metrics('TRACES', 'latency', ['AVG', 'MIN', 'MAX', 50, 90, 99.5]),
  metrics('TRACES', 'latency', ['AVG', 50], { dimensions: ['trace_name'], ...day }),
  metrics('TRACES', 'latency', ['SUM']),
  metrics('TRACES', 'latency', ['COUNT']),
  metrics('TRACES', 'latency', ['AVG'], { dimensions: ['trace_status'] }),
  metrics('TRACES', 'nothing', ['AVG']),
  metrics('TRACES', 'input_tokens', ['SUM', 'AVG', 'MIN', 'MAX', 50]),
  metrics('TRACES', 'output_tokens', ['SUM'], { dimensions: ['trace_name'] }),
  metrics('TRACES', 'total_tokens', ['SUM'], day),
  metrics('TRACES', 'cache_read_input_tokens', ['SUM']),
  ...[
    "trace.status = 'OK'",
    "trace.tag.kind = 'a'",
    "trace.tag.`kind` = 'b'",
    "trace.tag.mlflow.traceName = 'aa'",
    "trace.metadata.`mlflow.trace.session` = 'late'",
    "trace.status != 'OK'",
    "trace.status = 'OK' AND trace.tag.kind = 'a'",
    "trace.color = 'OK'",
    "trace.tag = 'OK'",
    "trace.status.x = 'OK'",
    "span.name = 'x'",
    "assessment.name = 'good'",
    "status = 'OK'",
    'trace.status = OK',
  ].map((filter) => metrics('TRACES', 'trace_count', ['COUNT'], { filters: [filter] })),
  metrics('TRACES', 'trace_count', ['COUNT'], { filters: ["trace.status = 'OK'", "trace.tag.kind = 'a'"] }),
  metrics('SPANS', 'span_count', ['COUNT']),
  metrics('SPANS', 'latency', ['AVG'], { dimensions: ['span_name'] }),
  metrics('SPANS', 'span_count', ['SUM']),
  metrics('SPANS', 'span_count', ['COUNT'], { filters: ["span.name = 'x'"] }),
  ...[
    metrics('SPANS', 'span_count', ['COUNT'], { dimensions: ['span_name'] }),
    metrics('SPANS', 'span_count', ['COUNT'], { dimensions: ['span_type', 'span_status'] }),
    metrics('SPANS', 'span_count', ['COUNT'], { dimensions: ['span_model_name'] }),
    metrics('SPANS', 'latency', ['AVG', 'MIN', 'MAX', 50], { dimensions: ['span_name'] }),
    metrics('SPANS', 'latency', ['MAX'], day),
    metrics('SPANS', 'total_cost', ['SUM'], { dimensions: ['span_model_name'] }),
    metrics('SPANS', 'input_cost', ['SUM', 'AVG', 50], { dimensions: ['span_model_provider'] }),
    metrics('SPANS', 'output_cost', ['SUM'], day),
    metrics('SPANS', 'span_count', ['COUNT'], { filters: ["span.name = 'ask'"] }),
    metrics('SPANS', 'span_count', ['COUNT'], { filters: ["span.type = 'LLM'", "span.status = 'ERROR'"] }),
    metrics('SPANS', 'span_count', ['COUNT'], { filters: ["trace.status = 'OK'"] }),
  ].map((one) => ({ ...one, body: { ...one.body, experiment_ids: ['$two'] } })),
  metrics('ASSESSMENTS', 'assessment_count', ['COUNT']),
  metrics('ASSESSMENTS', 'assessment_count', ['COUNT'], { dimensions: ['assessment_name'] }),
  metrics('ASSESSMENTS', 'assessment_count', ['COUNT'], { dimensions: ['assessment_name', 'assessment_value'] }),
  metrics('ASSESSMENTS', 'assessment_count', ['COUNT'], day),
  metrics('ASSESSMENTS', 'assessment_value', ['AVG', 'MIN', 'MAX', 50], { dimensions: ['assessment_name'] }),
  metrics('ASSESSMENTS', 'assessment_value', ['AVG'], { filters: ["assessment.name = 'good'"] }),
  metrics('ASSESSMENTS', 'assessment_count', ['COUNT'], { filters: ["assessment.type = 'expectation'"] }),
  metrics('ASSESSMENTS', 'assessment_count', ['COUNT'], { filters: ["trace.status = 'OK'"] }),
];

function correlation(first: string, second: string, base?: string, experiments = ['$one']): Call {
  const body = { experiment_ids: experiments, filter_string1: first, filter_string2: second };
  return call(
    `POST ${v3}/traces/calculate-filter-correlation`,
    base === undefined ? body : { ...body, base_filter: base },
  );
}

const correlations: readonly Call[] = [
  call(`POST ${v3}/traces/calculate-filter-correlation`, {}),
  correlation('', "tags.kind = 'a'"),
  correlation("status = 'ERROR'", "tags.kind = 'a'"),
  correlation("status = 'OK'", "status = 'OK'"),
  correlation("status = 'OK'", "status = 'ERROR'"),
  correlation("tags.kind = 'z'", "status = 'ERROR'"),
  correlation("status = 'ERROR'", 'execution_time_ms > 60', "tags.kind = 'a'"),
  correlation("tags.kind = 'a'", "tags.kind = 'a'", "tags.kind = 'a'"),
  correlation("status = 'OK'", "tags.kind = 'a'", undefined, ['987654']),
  correlation('x y z', "tags.kind = 'a'"),
];

const issues: readonly Call[] = [
  call(`POST ${v3}/issues`, {}),
  call(`POST ${v3}/issues`, { experiment_id: '$one', name: 'i' }),
  call(`POST ${v3}/issues`, { experiment_id: '987654', name: 'i', description: 'd' }),
  call(`POST ${v3}/issues`, { experiment_id: '$gone', name: 'i', description: 'd' }),
  call(`POST ${v3}/issues`, { experiment_id: '$one', name: 'i', description: 'd' }, { i1: 'issue.issue_id' }),
  call(
    `POST ${v3}/issues`,
    {
      ...{ experiment_id: '$one', name: 'slow', description: 'too slow', status: 'resolved', severity: 'high' },
      ...{ root_causes: ['net', 'disk'], categories: ['speed'], source_run_id: '$run', created_by: 'ada' },
    },
    { i2: 'issue.issue_id' },
  ),
  call(
    `POST ${v3}/issues`,
    { experiment_id: '$two', name: 'x', description: 'd', severity: 'low' },
    { i3: 'issue.issue_id' },
  ),
  call(`GET ${v3}/issues/$i2`),
  call(`GET ${v3}/issues/none`),
  call(`PATCH ${v3}/issues/$i1`, {
    issue_id: '$i1',
    status: 'rejected',
    severity: 'medium',
    name: 'new',
    description: 'e',
  }),
  call(`PATCH ${v3}/issues/$i1`, { issue_id: '$i1' }),
  call(`PATCH ${v3}/issues/none`, { issue_id: 'none', name: 'x' }),
  ...[
    {},
    { experiment_id: '$one' },
    { experiment_id: '$two', include_trace_count: true },
    { experiment_id: 'x' },
    { filter_string: "status = 'resolved'" },
    { filter_string: "status != 'resolved' AND experiment_id = '1'" },
    { filter_string: "status != 'resolved'", experiment_id: '$one' },
    { filter_string: "source_run_id = '$run'" },
    { filter_string: "source_run_id != '$run'" },
    { filter_string: "name = 'slow'" },
    { filter_string: "status LIKE 'r%'" },
    { filter_string: 'status' },
    { max_results: 0 },
    { max_results: 60_000 },
    { page_token: 'nonsense' },
  ].map((body) => call(`POST ${v3}/issues/search`, body)),
  call(`POST ${v3}/issues/search`, { max_results: 2 }, { issues: 'next_page_token' }),
  call(`POST ${v3}/issues/search`, { max_results: 2, page_token: '$issues' }),
];

const schema = (name: string, input: object, more: object = {}): Body => ({
  ...{ experiment_id: '$one', name, type: 'FEEDBACK', input },
  ...more,
});
const passFail = { pass_fail: { positive_label: 'Good', negative_label: 'Bad' } };

const labels: readonly Call[] = [
  call(`POST ${v3}/label-schemas/create`, {}),
  call(`POST ${v3}/label-schemas/create`, schema('q', passFail, { experiment_id: '987654' })),
  call(`POST ${v3}/label-schemas/create`, schema('q', passFail, { experiment_id: '$gone' })),
  call(`POST ${v3}/label-schemas/create`, schema('q', passFail, { type: 'LABEL_SCHEMA_TYPE_UNSPECIFIED' })),
  call(`POST ${v3}/label-schemas/create`, { experiment_id: '$one', name: 'q', type: 'FEEDBACK' }),
  call(`POST ${v3}/label-schemas/create`, schema('feedBack', passFail)),
  call(`POST ${v3}/label-schemas/create`, schema('n'.repeat(251), passFail)),
  call(`POST ${v3}/label-schemas/create`, schema('q', { pass_fail: { positive_label: 'a', negative_label: 'a' } })),
  call(`POST ${v3}/label-schemas/create`, schema('q', { pass_fail: { positive_label: 'a' } })),
  call(`POST ${v3}/label-schemas/create`, schema('q', { categorical: {} })),
  call(`POST ${v3}/label-schemas/create`, schema('q', { categorical: { options: ['a', 'a'] } })),
  call(`POST ${v3}/label-schemas/create`, schema('q', { categorical: { options: [''] } })),
  call(`POST ${v3}/label-schemas/create`, schema('q', { categorical: { options: [...'abcdefghijk'] } })),
  call(`POST ${v3}/label-schemas/create`, schema('q', { numeric: { min_value: 2, max_value: 1 } })),
  call(`POST ${v3}/label-schemas/create`, schema('q', { text: { max_length: 0 } })),
  call(`POST ${v3}/label-schemas/create`, schema('q', passFail, { instruction: 'x'.repeat(1001) })),
  call(`POST ${v3}/label-schemas/create`, schema('q1', passFail, { instruction: 'Look', enable_comment: true }), {
    l1: 'label_schema.schema_id',
  }),
  call(`POST ${v3}/label-schemas/create`, schema('q1', passFail)),
  call(
    `POST ${v3}/label-schemas/create`,
    schema('q2', { categorical: { options: ['a', 'b'], multi_select: true } }, { type: 2 }),
    {
      l2: 'label_schema.schema_id',
    },
  ),
  call(`POST ${v3}/label-schemas/create`, schema('q3', { numeric: { min_value: 0, max_value: 1.5 } })),
  call(`POST ${v3}/label-schemas/create`, schema('q4', { text: {} })),
  call(`GET ${v3}/label-schemas/get?schema_id=$l1`),
  call(`GET ${v3}/label-schemas/get?schema_id=none`),
  call(`GET ${v3}/label-schemas/get`),
  call(`GET ${v3}/label-schemas/get-by-name?experiment_id=$one&name=q2`),
  call(`GET ${v3}/label-schemas/get-by-name?experiment_id=$one&name=none`),
  call(`GET ${v3}/label-schemas/get-by-name?experiment_id=987654&name=none`),
  call(`GET ${v3}/label-schemas/list?experiment_id=$two`, undefined, { fallback: 'label_schemas.0.schema_id' }),
  call(`GET ${v3}/label-schemas/list?experiment_id=$two`),
  call(`GET ${v3}/label-schemas/list?experiment_id=987654`),
  call(`GET ${v3}/label-schemas/list?experiment_id=$one&max_results=0`),
  call(`PATCH ${v3}/label-schemas/update`, { schema_id: '$fallback', name: 'x' }),
  call(`DELETE ${v3}/label-schemas/delete`, { schema_id: '$fallback' }),
  call(`PATCH ${v3}/label-schemas/update`, { schema_id: 'none', name: 'x' }),
  call(`PATCH ${v3}/label-schemas/update`, { schema_id: '$l2', name: 'q1' }),
  call(`PATCH ${v3}/label-schemas/update`, { schema_id: '$l2', name: 'Feedback' }),
  call(`PATCH ${v3}/label-schemas/update`, { schema_id: '$l2', input: passFail }),
  call(`PATCH ${v3}/label-schemas/update`, { schema_id: '$l2', input: { categorical: { options: ['a'] } } }),
  call(`PATCH ${v3}/label-schemas/update`, {
    ...{ schema_id: '$l2', name: 'q2b', instruction: 'Say', enable_comment: true },
    input: { categorical: { options: ['a', 'c'], multi_select: true } },
  }),
  call(`DELETE ${v3}/label-schemas/delete`, { schema_id: 'none' }),
  call(`DELETE ${v3}/label-schemas/delete`, { schema_id: '$l2' }),
  call(`GET ${v3}/label-schemas/get?schema_id=$l2`),
];

const queue = (name: string, more: object = {}): Body => ({
  experiment_id: '$one',
  name,
  queue_type: 'CUSTOM',
  ...more,
});

const queues: readonly Call[] = [
  call(`POST ${v3}/review-queues/create`, {}),
  call(`POST ${v3}/review-queues/create`, queue('q', { queue_type: 0 })),
  call(`POST ${v3}/review-queues/create`, queue('Default')),
  call(`POST ${v3}/review-queues/create`, queue('q', { experiment_id: '987654' })),
  call(`POST ${v3}/review-queues/create`, queue('q', { schema_ids: ['ls-none'] })),
  call(`POST ${v3}/review-queues/create`, queue('q', { users: [...'abcdefghijk'] })),
  call(`POST ${v3}/review-queues/create`, queue(' Mine ', { users: ['Bob ', 'ada', 'bob'], schema_ids: ['$l1'] }), {
    rq: 'review_queue.queue_id',
  }),
  call(`POST ${v3}/review-queues/create`, queue('mine')),
  call(`POST ${v3}/review-queues/create`, queue('Eve', { queue_type: 'USER', users: ['ada'] })),
  call(`POST ${v3}/review-queues/create`, queue('Eve', { queue_type: 'USER', schema_ids: ['$l1'] })),
  call(`POST ${v3}/review-queues/create`, queue('Eve', { queue_type: 'USER' }), { eve: 'review_queue.queue_id' }),
  call(`POST ${v3}/review-queues/get-or-create-user`, { experiment_id: '$one', user: 'EVE' }),
  call(`POST ${v3}/review-queues/get-or-create-user`, { experiment_id: '$two', user: 'Zed' }),
  call(`POST ${v3}/review-queues/get-or-create-user`, { experiment_id: '$one', user: 'mine' }),
  call(`POST ${v3}/review-queues/get-or-create-user`, { experiment_id: '$one' }),
  call(`GET ${v3}/review-queues/get?queue_id=$rq`),
  call(`GET ${v3}/review-queues/get?queue_id=none`),
  call(`GET ${v3}/review-queues/get-by-name?experiment_id=$one&name=MINE`),
  call(`GET ${v3}/review-queues/get-by-name?experiment_id=$one&name=none`),
  call(`GET ${v3}/review-queues/list?experiment_id=$two`),
  call(`GET ${v3}/review-queues/list?experiment_id=$one&user=ADA`),
  call(`GET ${v3}/review-queues/list?experiment_id=987654`),
  call(`GET ${v3}/review-queues/list?experiment_id=$one&max_results=0`),
  call(`POST ${v3}/review-queues/update`, { queue_id: '$eve', name: 'x' }),
  call(`POST ${v3}/review-queues/update`, { queue_id: 'none', name: 'x' }),
  call(`POST ${v3}/review-queues/update`, { queue_id: '$rq' }),
  call(`POST ${v3}/review-queues/update`, { queue_id: '$rq', name: 'EVE' }),
  call(`POST ${v3}/review-queues/update`, {
    queue_id: '$rq',
    name: 'MINE',
    new_owner: ' Ada ',
    update_users: true,
    users: ['c'],
  }),
  call(`POST ${v3}/review-queues/update`, { queue_id: '$rq', update_schema_ids: true, schema_ids: ['none'] }),
  call(`POST ${v3}/review-queues/update`, { queue_id: '$rq', update_schema_ids: true }),
  call(`POST ${v3}/review-queues/items/add`, { queue_id: '$rq' }),
  call(`POST ${v3}/review-queues/items/add`, { queue_id: 'none', item_ids: ['$aa1'] }),
  call(`POST ${v3}/review-queues/items/add`, { queue_id: '$rq', item_ids: ['$aa1', 'tr-none'] }),
  call(`POST ${v3}/review-queues/items/add`, {
    queue_id: '$rq',
    item_ids: ['$ab1', ' $aa1 ', '$ab1'],
    item_type: 'TRACE',
  }),
  call(`POST ${v3}/review-queues/items/add`, { queue_id: '$rq', item_ids: ['$aa1'] }),
  call(`POST ${v3}/review-queues/update`, { queue_id: '$rq', update_schema_ids: true, schema_ids: ['$l1'] }),
  call(`POST ${v3}/review-queues/items/set-status`, { queue_id: '$rq', item_id: '$aa1', completed_by: 'x' }),
  call(`POST ${v3}/review-queues/items/set-status`, { queue_id: '$rq', item_id: '$aa1', status: 'COMPLETE' }),
  call(`POST ${v3}/review-queues/items/set-status`, {
    queue_id: '$rq',
    item_id: 'tr-none',
    status: 2,
    completed_by: 'x',
  }),
  call(`POST ${v3}/review-queues/items/set-status`, {
    queue_id: '$rq',
    item_id: '$aa1',
    status: 'COMPLETE',
    completed_by: 'X ',
  }),
  call(`POST ${v3}/review-queues/items/set-status`, {
    queue_id: '$rq',
    item_id: '$aa1',
    status: 'COMPLETE',
    completed_by: 'y',
  }),
  call(`POST ${v3}/review-queues/items/set-status`, {
    queue_id: '$rq',
    item_id: '$aa1',
    status: 'DECLINED',
    completed_by: 'y',
  }),
  call(`GET ${v3}/review-queues/items/list?queue_id=$rq`),
  call(`GET ${v3}/review-queues/items/list?queue_id=$rq&status=DECLINED`),
  call(`GET ${v3}/review-queues/items/list?queue_id=none`),
  call(`POST ${v3}/review-queues/items/set-status`, {
    queue_id: '$rq',
    item_id: '$aa1',
    status: 'PENDING',
    completed_by: 'y',
  }),
  call(`POST ${v3}/review-queues/items/set-status`, { queue_id: '$rq', item_id: '$aa1', status: 'PENDING' }),
  call(`GET ${v3}/review-queues/list?experiment_id=$one&item_id=$aa1`),
  call(`POST ${v3}/review-queues/items/remove`, { queue_id: '$rq', item_ids: ['$aa1', 'none'] }),
  call(`POST ${v3}/review-queues/items/remove`, { queue_id: '$rq' }),
  call(`POST ${v3}/traces/delete-traces`, { experiment_id: '$one', request_ids: ['$ab1'] }),
  call(`GET ${v3}/review-queues/items/list?queue_id=$rq`),
  call(`POST ${v3}/review-queues/delete`, { queue_id: '$rq' }),
  call(`POST ${v3}/review-queues/delete`, { queue_id: '$rq' }),
  call(`GET ${v3}/review-queues/get?queue_id=$rq`),
];

const others: readonly Call[] = [
  call(`GET ${v3}/workspaces`),
  call('POST /ajax-api/2.0/mlflow/runs/create-promptlab-run', {}),
  call('POST /ajax-api/2.0/mlflow/runs/create-promptlab-run', { experiment_id: '$one', prompt_template: 'x' }),
  call('GET /ajax-api/2.0/mlflow/gateway-proxy'),
  call(`POST ${v2}/artifacts/presigned-upload-url`, {}),
  call(`POST ${v2}/artifacts/presigned-upload-url`, { path: 'x' }),
  call(`POST ${v2}/artifacts/presigned-download-url`, {}),
];

export const calls: readonly Call[] = [
  ...[...experiments, ...datasets, ...scorers, ...traces, ...traceMetrics, ...correlations],
  ...[...issues, ...labels, ...queues, ...others],
];

/** One line of the record: the question, the status, and what the answer says. */
export type Line = readonly [ask: string, status: number, answer: unknown];

/** Asks a server all questions in their order. */
export async function askAll(url: string): Promise<Line[]> {
  const known: Record<string, string> = {};
  const fill = (text: string): string => text.replaceAll(/\$([a-z]+\d?)/g, (all, name: string) => known[name] ?? all);
  const lines: Line[] = [];
  for (const { ask, body, keep = {}, headers = {}, quiet = false } of calls) {
    const [method = 'GET', path = ''] = ask.split(' ');
    const response = await fetch(url + fill(path), {
      method,
      ...(body === undefined
        ? {}
        : {
            headers: filled({ 'content-type': 'application/json', ...headers }, fill),
            body: fill(JSON.stringify(body)),
          }),
    });
    const text = await response.text();
    const answer = parsed(text);
    for (const [name, place] of Object.entries(keep)) {
      const found = place
        .split('.')
        .reduce<unknown>((value, key) => parsed((value as Json | undefined)?.[key]), answer);
      known[name] = String(found);
    }
    const question = body === undefined ? ask : `${ask} ${JSON.stringify(body)}`;
    lines.push([question.slice(0, 300), response.status, quiet ? null : shown(answer, response.status)]);
  }
  return normal(lines);
}

function filled(headers: Call['headers'] = {}, fill: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]));
}

/** JSON inside of a text as well: records, tags, schemas. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Of a refusal its code; sentences have the order of Python's sets. */
function shown(answer: unknown, status: number): unknown {
  if (status >= 400) return (answer as Json)['error_code'] ?? 'text';
  return deep(answer);
}

function deep(value: unknown): unknown {
  const one = parsed(value);
  if (Array.isArray(one)) return one.map(deep);
  if (typeof one === 'number') return Number.isInteger(one) ? one : Number(one.toPrecision(12));
  if (typeof one !== 'object' || one === null) return one;
  const sorted = Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, inner]) => [key, deep(inner)]));
}

/** Ids by their order, and times as 0, so that two servers that behave alike say the same. */
function normal(lines: readonly Line[]): Line[] {
  const ids = new Map<string, string>();
  const name = (id: string): string => {
    if (!ids.has(id)) ids.set(id, `id${ids.size}`);
    return ids.get(id) ?? '';
  };
  const hex = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b/g;
  return lines.map(([ask, status, answer]) => {
    const text = JSON.stringify(answer ?? null)
      .replaceAll(hex, name)
      .replaceAll(/"digest":"[0-9a-f]{8}"/g, '"digest":"0"')
      .replaceAll(/"next_page_token":"[^"]+"/g, '"next_page_token":"token"')
      .replaceAll(/(_time|_timestamp|_at|time_ms)":1\d{12}\b/g, '$1":0')
      .replaceAll(/(_time)":"20[^"]+"/g, '$1":"0"');
    return [ask, status, JSON.parse(text) as unknown];
  });
}

if (import.meta.filename === process.argv[1]) {
  const [, , url = '', file = ''] = process.argv;
  const lines = await askAll(url);
  fs.writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
