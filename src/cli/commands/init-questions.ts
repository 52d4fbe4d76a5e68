import { MlopsError } from '../../base/index.ts';
import { listTemplates } from '../../scaffold/index.ts';
import type { Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What a new project is to be made of. */
export interface ProjectAnswers {
  /** Undefined: an empty project. */
  readonly template: string | undefined;
  readonly values: Readonly<Record<string, string>>;
  readonly remote: string | undefined;
}

/** Flags answer first; on a terminal a person is asked the rest. Throws `usage` for a `--set` that is none. */
export async function askForProject(input: Input, terminal: Terminal): Promise<ProjectAnswers> {
  const asked = input.args.length > 0 && !input.given('branches');
  const template = input.text('template') ?? (asked ? await askTemplate(terminal) : undefined);
  const remote = input.text('remote');
  if (template === undefined) return { template, values: {}, remote };
  const known = listTemplates().find(({ name }) => name === template);
  const values: Record<string, string> = {};
  const lang = input.text('lang') ?? (await askLanguage(known?.languages ?? [], terminal));
  if (lang !== undefined) values['lang'] = lang;
  const containers = input.choice('containers');
  // A template of one's own asks nothing: its manifest says what is usual.
  if (known !== undefined && known.languages.length > 0) {
    values['ci'] = input.text('ci') ?? (await terminal.choose('Which host runs the workflows?', hosts));
    values['containers'] = yesOrNo(containers) ?? (await terminal.choose('Container and cluster files?', yesNo));
  } else {
    if (input.given('ci')) values['ci'] = input.text('ci') ?? '';
    if (containers !== undefined) values['containers'] = yesOrNo(containers) ?? '';
  }
  return { template, values: { ...values, ...settings(input) }, remote: remote ?? (await askRemote(known, terminal)) };
}

const hosts = [
  { value: 'both', about: '.github/workflows and .gitlab-ci.yml' },
  { value: 'github', about: '.github/workflows' },
  { value: 'gitlab', about: '.gitlab-ci.yml' },
  { value: 'none', about: 'no workflows' },
];

const yesNo = [
  { value: 'yes', about: 'Dockerfile, compose.yaml, deploy/' },
  { value: 'no', about: 'none of them' },
];

const languageNames: Readonly<Record<string, string>> = {
  node: 'plain JavaScript, nothing to install',
  python: 'scikit-learn and skl2onnx',
};

async function askTemplate(terminal: Terminal): Promise<string | undefined> {
  const empty = { value: 'none', about: 'an empty project' };
  const templates = listTemplates().map(({ name, summary }) => ({ value: name, about: summary }));
  const answer = await terminal.choose('What is it about?', [empty, ...templates]);
  return answer === 'none' ? undefined : answer;
}

async function askLanguage(languages: readonly string[], terminal: Terminal): Promise<string | undefined> {
  if (languages.length < 2) return undefined;
  const choices = languages.map((value) => ({ value, about: languageNames[value] ?? '' }));
  return terminal.choose('In which language?', choices);
}

async function askRemote(known: object | undefined, terminal: Terminal): Promise<string | undefined> {
  if (known === undefined) return undefined;
  const answer = await terminal.choose(
    'Where are data and models pushed to (folder or URL; empty: nowhere yet)?',
    [],
    '',
  );
  return answer === '' ? undefined : answer;
}

function yesOrNo(choice: boolean | undefined): string | undefined {
  return choice === undefined ? undefined : choice ? 'yes' : 'no';
}

function settings(input: Input): Record<string, string> {
  return Object.fromEntries(
    input.list('set').map((setting) => {
      const at = setting.indexOf('=');
      if (at <= 0) throw new MlopsError('usage', `--set ${setting} is not of the form NAME=VALUE`);
      return [setting.slice(0, at), setting.slice(at + 1)];
    }),
  );
}
