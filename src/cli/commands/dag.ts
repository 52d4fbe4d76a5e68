import { MlopsError } from '../../base/index.ts';
import { dagDot, dagMermaid, viewDag } from '../../repo/pipeline/dag.ts';
import { dagAscii } from '../../repo/pipeline/dag-ascii.ts';
import { selectStages } from '../../repo/open/targets.ts';
import type { Command } from '../parse/command.ts';
import { readRepo, say } from '../session/data-session.ts';
import { page } from '../terminal/pager.ts';

export const verb: Command = {
  name: 'dag',
  owner: 'dvc',
  summary: 'Draw which stage needs which',
  examples: [
    ['mlops dag', 'the whole project as text'],
    ['mlops dag train', 'a stage and all that it needs'],
    ['mlops dag --mermaid', 'for Markdown that renders Mermaid'],
    ['mlops dag --dot | dot -Tsvg > dag.svg', 'as a picture by Graphviz'],
  ],
  args: [{ name: 'target', summary: 'stage or output', optional: true, completes: 'target' }],
  flags: [
    { name: 'dot', summary: 'in the DOT language of Graphviz' },
    { name: 'mermaid', summary: 'as a Mermaid flowchart' },
    { name: 'md', summary: 'as a Mermaid flowchart in a Markdown block' },
    { name: 'json', ours: true, summary: 'nodes and edges as JSON' },
    { name: 'collapse-foreach-matrix', summary: 'one node for all stages of a foreach or matrix' },
    { name: 'full', summary: 'also what depends on the target' },
    { name: 'outs', short: 'o', summary: 'outputs instead of stages' },
  ],
  run(input, terminal) {
    if (input.on('outs') && input.on('collapse-foreach-matrix')) {
      throw new MlopsError('usage', '`--outs` and `--collapse-foreach-matrix` are mutually exclusive', { exit: 255 });
    }
    return readRepo(terminal, async (repo) => {
      const graph = repo.graph();
      const targets = input.args.length === 0 ? [] : selectStages(repo, input.args).map(({ stage }) => stage);
      const view = viewDag(
        graph,
        {
          targets,
          outs: input.on('outs'),
          full: input.on('full'),
          collapse: input.on('collapse-foreach-matrix'),
        },
        (file) => repo.display(file),
      );
      if (input.on('json')) terminal.json({ nodes: view.nodes, edges: view.edges.map(([from, to]) => ({ from, to })) });
      else if (input.on('dot')) say(terminal, dagDot(view));
      else if (input.on('mermaid') || input.on('md')) say(terminal, dagMermaid(view, input.on('md')));
      else await page(dagAscii(view), terminal);
    });
  },
};
