import { spawn, type ChildProcess } from 'node:child_process';
import * as readline from 'node:readline';

import { MlopsError, needsCleanEnd } from '../../base/index.ts';
import {
  isOptunas,
  type Params,
  type SlowSampler,
  type StudySpec,
  type StudyView,
  type Suggestion,
  type Trial,
} from '../../tune/index.ts';
import { optunaProgram } from './optuna-program.ts';

/** A sampler of Optuna's in a child process. */
export interface OptunaSampler extends SlowSampler {
  close(): void;
}

/**
 * Any sampler of Optuna's, for studies whose sampler is called `optuna:CLASS`: one Python process keeps a study, is told
 * each trial and answers with params, as JSON lines. The other keys of the sampler are the arguments of its class.
 *
 * @returns undefined for a sampler of ours.
 * @throws MlopsError `program_missing` without Python or Optuna, `tune_space` for a class or argument that is none.
 */
export async function optunaSampler(
  spec: StudySpec,
  env: Readonly<Record<string, string | undefined>>,
): Promise<OptunaSampler | undefined> {
  if (!isOptunas(spec.sampler)) return undefined;
  const python = env['MLOPS_PYTHON'] ?? 'python3';
  const child = new OptunaProcess(python, env);
  try {
    const { name, ...rest } = spec.sampler;
    await child.request({
      begin: {
        sampler: String(name).slice('optuna:'.length),
        arguments: rest,
        space: spec.space,
        directions: spec.directions,
      },
    });
  } catch (error) {
    child.close();
    throw error;
  }
  const told = new Set<number>();
  return {
    async suggest(study: StudyView, number: number): Promise<Suggestion> {
      const news = study.trials.filter((trial) => trial.state !== 'RUNNING' && !told.has(trial.number));
      if (news.length > 0) await child.request({ tell: news.map(asJson) });
      for (const trial of news) told.add(trial.number);
      const { params } = await child.request<{ params: Params }>({ ask: number });
      return { params };
    },
    close: () => child.close(),
  };
}

function asJson(trial: Trial): unknown {
  const { number, state, params, values, constraints } = trial;
  return { number, state, params, values: values.map(String), constraints, intermediate: [...trial.intermediate] };
}

class OptunaProcess {
  readonly #child: ChildProcess;
  readonly #waiting: ((answer: { error?: string; kind?: string }) => void)[] = [];
  readonly #python: string;
  #errors = '';
  #ended = false;

  constructor(python: string, env: Readonly<Record<string, string | undefined>>) {
    this.#python = python;
    needsCleanEnd();
    this.#child = spawn(python, ['-c', optunaProgram], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#child.on('close', () => this.#fail(this.#errors.trim().split('\n').at(-1) ?? 'it ended'));
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString()).slice(-4000)));
    if (this.#child.stdout === null) return;
    readline.createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as { error?: string });
    });
  }

  async request<Answer>(request: unknown): Promise<Answer> {
    const answer = await new Promise<{ error?: string; kind?: string }>((resolve) => {
      if (this.#ended) resolve({ error: this.#errors, kind: 'gone' });
      else {
        this.#waiting.push(resolve);
        this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
      }
    });
    if (answer.error === undefined) return answer as Answer;
    if (answer.kind === 'gone' || answer.kind === 'missing') {
      throw new MlopsError('program_missing', `Optuna cannot be used by '${this.#python}': ${answer.error}`, {
        hint: 'pip install optuna, or name the Python that has it by MLOPS_PYTHON',
      });
    }
    throw new MlopsError('tune_space', `Optuna: ${answer.error}`);
  }

  #fail(problem: string): void {
    this.#ended = true;
    for (const resolve of this.#waiting.splice(0)) resolve({ error: problem, kind: 'gone' });
  }

  close(): void {
    this.#ended = true;
    this.#child.stdin?.end();
    this.#child.kill();
  }
}
