import type { Command } from '../parse/command.ts';
import { serveFlags } from './serve-flags.ts';

/** MLflow's spelling of `serve`, with its default port. */
export const serveCommand: Command = {
  name: 'models serve',
  owner: 'mlops',
  summary: 'Serve a model over HTTP, as `mlops serve`',
  examples: [['mlops models serve -m models:/digits/Production -p 5002', "the model with MLflow's /invocations"]],
  flags: [
    { name: 'model-uri', short: 'm', value: 'URI', completes: 'model', summary: 'what to serve' },
    ...serveFlags.map((flag) => {
      if (flag.name === 'host') return { ...flag, short: 'h' };
      if (flag.name === 'runtime') return { ...flag, default: 'auto' };
      return flag.name === 'port' ? { ...flag, default: '5000' } : flag;
    }),
  ],
  async run(input, terminal) {
    const { runServe } = await import('./serve.ts');
    const uri = input.text('model-uri');
    return runServe(uri === undefined ? [] : [uri], input, terminal);
  },
};
