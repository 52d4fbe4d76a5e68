import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { didYouMean, MlopsError, packageFolder } from '../../base/index.ts';

/** Something that `mlops docs TOPIC` shows: a file that ships in the package. */
export interface DocsTopic {
  readonly name: string;
  /** Relative to the package's folder. Its file must be among `files` of package.json. */
  readonly file: string;
  /** One line for the list, without a full stop. */
  readonly summary: string;
  /** No page but a file to keep (`mlops docs client > client.py`): always printed as it is. */
  readonly plain?: boolean;
  /** Other words that people try. */
  readonly aliases?: readonly string[];
}

/** All topics, in the order in which `mlops docs` lists them. A page of docs/ that stands in none fails a test. */
export const docsTopics: readonly DocsTopic[] = [
  { name: 'readme', file: 'README.md', summary: 'What there is, at a glance' },
  {
    name: 'quick-start',
    file: 'docs/quick-start.md',
    summary: 'Ten minutes, with data and a script of your own',
    aliases: ['start', 'tutorial'],
  },
  { name: 'from-dvc', file: 'docs/from-dvc.md', summary: 'Coming from DVC: every difference', aliases: ['dvc'] },
  { name: 'from-mlflow', file: 'docs/from-mlflow.md', summary: 'Coming from MLflow', aliases: ['mlflow'] },
  { name: 'logging', file: 'docs/logging.md', summary: 'Logging from any language', aliases: ['log'] },
  { name: 'ci', file: 'docs/ci.md', summary: 'In CI: GitHub, GitLab', aliases: ['github', 'gitlab'] },
  {
    name: 'troubleshooting',
    file: 'docs/troubleshooting.md',
    summary: 'What you see, and what to do',
    aliases: ['faq', 'help'],
  },
  { name: 'data', file: 'docs/data.md', summary: 'Data: from DVC and back in five minutes' },
  { name: 'pipelines', file: 'docs/pipelines.md', summary: 'Stages, params and what makes them run' },
  {
    name: 'plots',
    file: 'docs/plots.md',
    summary: 'Metrics, params, plots and experiments',
    aliases: ['metrics', 'params', 'exp'],
  },
  {
    name: 'tracking',
    file: 'docs/tracking.md',
    summary: 'Runs, the model registry, and MLflow clients',
    aliases: ['runs', 'models', 'server'],
  },
  {
    name: 'postgresql',
    file: 'docs/postgresql.md',
    summary: 'The tracking store in PostgreSQL',
    aliases: ['postgres'],
  },
  { name: 'serving', file: 'docs/serving.md', summary: 'Serving models over HTTP', aliases: ['serve'] },
  {
    name: 'templates',
    file: 'docs/templates.md',
    summary: 'Projects to begin with, and what they hold',
    aliases: ['init'],
  },
  { name: 'auth', file: 'docs/auth.md', summary: 'Who may do what: users, tokens, permissions', aliases: ['login'] },
  { name: 'lineage', file: 'docs/lineage.md', summary: 'From a prediction back to the data, and forward again' },
  { name: 'ui', file: 'docs/ui.md', summary: 'The pages of mlops server and mlops ui' },
  { name: 'team-server', file: 'docs/team-server.md', summary: 'One server for a team', aliases: ['team'] },
  { name: 'traffic', file: 'docs/traffic.md', summary: 'Rules that divide requests between versions' },
  { name: 'pictures', file: 'docs/pictures.md', summary: 'Pictures: what is read, and how it is resized' },
  { name: 'monitoring', file: 'docs/monitoring.md', summary: 'Predictions, labels and drift', aliases: ['monitor'] },
  { name: 'gates', file: 'docs/gates.md', summary: 'Checks of data, models and code', aliases: ['check', 'quality'] },
  { name: 'tuning', file: 'docs/tuning.md', summary: 'Search for the best parameters', aliases: ['tune'] },
  { name: 'security', file: 'docs/security.md', summary: 'What is trusted, and what is not' },
  {
    name: 'mlops-yaml',
    file: 'docs/mlops-yaml.md',
    summary: 'The settings of a project',
    aliases: ['mlops.yaml', 'settings', 'config'],
  },
  { name: 'formats', file: 'docs/formats.md', summary: 'Files that mlops reads and writes' },
  { name: 'performance', file: 'docs/performance.md', summary: 'What was measured, and how' },
  { name: 'cli', file: 'docs/cli.md', summary: 'Every command and flag', aliases: ['commands'] },
  {
    name: 'json',
    file: 'docs/json.md',
    summary: 'What --json prints, and how to choose from it',
    aliases: ['jq', 'fields'],
  },
  { name: 'errors', file: 'docs/errors.md', summary: 'Every error code', aliases: ['exit-codes'] },
  {
    name: 'client',
    file: 'examples/clients/mlops_client.py',
    summary: 'The Python client, one file: mlops docs client > mlops_client.py',
    plain: true,
    aliases: ['python', 'mlops_client.py'],
  },
  {
    name: 'changes',
    file: 'CHANGELOG.md',
    summary: 'What is new in which version',
    aliases: ['changelog', 'whats-new'],
  },
];

/** @throws MlopsError `usage` for a word that names no topic. */
export function findTopic(word: string): DocsTopic {
  const wanted = word.toLowerCase().replace(/\.md$/, '');
  const found = docsTopics.find(({ name, aliases }) => name === wanted || aliases?.includes(wanted) === true);
  if (found !== undefined) return found;
  const names = docsTopics.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
  throw new MlopsError('usage', `there is no page '${word}'`, {
    hint: didYouMean(wanted, names) ?? 'see all pages with `mlops docs`',
  });
}

export function topicPath(topic: DocsTopic): string {
  return path.join(packageFolder('docs', fileURLToPath(import.meta.url)), topic.file);
}
