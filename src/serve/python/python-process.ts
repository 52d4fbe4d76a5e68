import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';

import { MlopsError, type Logger } from '../../base/index.ts';
import { unpackTexts } from '../wire/packed-texts.ts';
import type { Tensors } from '../wire/tensor.ts';
import { frameBytes, FrameReader, type Frame } from './frames.ts';
import type { PythonFacts, PythonShape } from './python-model.ts';

/** What a process is to load, and by what. */
export interface PythonProgram {
  /** The interpreter. */
  readonly python: string;
  /** Path of model_host.py. */
  readonly host: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The MLflow model folder. */
  readonly folder: string;
  readonly facts: PythonFacts;
  readonly log: Logger;
}

/** What a process found when it loaded its model. */
export interface PythonDescription {
  readonly python: string;
  readonly mlflow: string;
  /** Packages that are not here in the version of the model's requirements: name, wanted, found. */
  readonly differences: readonly (readonly [string, string, string | null])[];
  readonly outputs: readonly { name: string; dtype: string; dims: readonly (number | null)[] }[];
  readonly shape: PythonShape | null;
  /** Why rows of different requests may not run together. */
  readonly alone: string | null;
}

export interface PythonResult {
  readonly outputs: Tensors;
  readonly shape: PythonShape;
  readonly milliseconds: number;
}

/** The process ended, or was ended, while it worked on a request. */
export class ProcessLost extends Error {
  /** The request itself may be to blame: it is not sent again. */
  readonly final: boolean;

  constructor(why: string, final: boolean) {
    super(why);
    this.final = final;
  }
}

interface Call {
  resolve(frame: Frame): void;
  reject(error: Error): void;
}

/** One Python with one model, from its start to its end. */
export class PythonProcess {
  readonly #program: PythonProgram;
  readonly #child: ChildProcess;
  readonly #pipe: Duplex;
  readonly #calls = new Map<number, Call>();
  readonly #ended: Promise<void>;
  #nextId = 1;
  #said = '';
  #lost: ProcessLost | undefined;
  #killedFor: string | undefined;

  constructor(program: PythonProgram) {
    this.#program = program;
    this.#child = spawn(program.python, ['-u', program.host], {
      env: { ...quietThreads, ...program.env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#pipe = this.#child.stdio[3] as Duplex;
    this.#pipe.on('error', () => undefined);
    const reader = new FrameReader();
    this.#pipe.on('data', (piece: Buffer) => this.#read(reader, piece));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString('utf8')).slice(-4_000)));
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#lose(error.message);
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        this.#lose(this.#killedFor ?? `ended with ${signal === null ? `code ${code}` : `signal ${signal}`}`);
        this.#pipe.destroy();
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolved when the process is gone. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** True while it can be asked. */
  get alive(): boolean {
    return this.#lost === undefined;
  }

  /** The last that its program printed. */
  get said(): string {
    return this.#said.trim();
  }

  #read(reader: FrameReader, piece: Buffer): void {
    try {
      for (const frame of reader.push(piece)) {
        const id = Number(frame.header['id']);
        const call = this.#calls.get(id);
        this.#calls.delete(id);
        call?.resolve(frame);
      }
    } catch (error) {
      this.kill(`wrote what is no answer (${String(error)})`);
    }
  }

  #lose(why: string): void {
    this.#lost ??= new ProcessLost(why, this.#killedFor !== undefined);
    for (const call of this.#calls.values()) call.reject(this.#lost);
    this.#calls.clear();
  }

  #call(header: Readonly<Record<string, unknown>>, tensors: Tensors): Promise<Frame> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#pipe.write(frameBytes({ ...header, id }, tensors));
    });
  }

  /**
   * @param describe try the model, too.
   * @throws MlopsError `program_missing`, `model_broken`; ProcessLost.
   */
  async load(describe: boolean): Promise<PythonDescription> {
    const { python, folder, facts } = this.#program;
    const { mode } = facts;
    const inputs = facts.inputs.map(({ name, dtype, dims }) => ({ name, dtype, dims }));
    const { header } = await this.#call({ kind: 'load', folder, mode, inputs, describe }, {});
    const problem = header['error'] as { kind: string; message: string } | undefined;
    if (problem === undefined) return header as unknown as PythonDescription;
    if (problem.kind === 'missing') {
      throw new MlopsError('program_missing', `'${python}' cannot run MLflow models: ${problem.message}`, {
        hint: `${python} -m pip install mlflow, or name the Python that has it with --python`,
      });
    }
    const missing = /No module named '([\w.]+)'/.exec(problem.message)?.[1];
    throw new MlopsError('model_broken', `'${python}' cannot load the model: ${problem.message}`, {
      hint:
        missing === undefined
          ? `the model's requirements.txt says what it was made with; --env-manager uv installs that`
          : `${python} -m pip install ${missing}, or --env-manager uv`,
    });
  }

  /** @throws MlopsError `invalid_input`, `inference_failed`; ProcessLost. */
  async run(feeds: Tensors): Promise<PythonResult> {
    const { header, tensors } = await this.#call({ kind: 'run' }, unpackTexts(feeds));
    const problem = header['error'] as { kind: string; message: string } | undefined;
    if (problem !== undefined) {
      if (problem.kind === 'input') throw new MlopsError('invalid_input', problem.message);
      throw new MlopsError('inference_failed', `the model failed on this input: ${problem.message}`);
    }
    return {
      outputs: tensors,
      shape: header['shape'] as PythonShape,
      milliseconds: Number(header['milliseconds']),
    };
  }

  /** Ends it by force: it hangs, or takes too much. Its requests are not sent again. */
  kill(why: string): void {
    this.#killedFor ??= why;
    this.#child.kill('SIGKILL');
  }

  /** Lets it end by itself; one that does not within two seconds is killed. */
  async close(): Promise<void> {
    this.#pipe.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2_000);
    await this.#ended;
    clearTimeout(timer);
  }
}

/** Rows of one request are few: threads inside of numpy would only fight over the cores. */
const quietThreads = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
