import { demo, describeDemo, drawDigits, type DemoEvent } from '../../app/usecases/demo.ts';
import type { Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const verb: Verb = {
  name: 'demo',
  owner: 'mlops',
  summary: 'Watch the whole way on real data, to a served prediction',
  description:
    'Makes a project in a temporary folder and types the commands a person would type: init, add, repro, push, models register, promote, serve. Each is a process of its own with its real output. Needs Node and Git only, and leaves the current folder alone.',
  examples: [
    ['mlops demo', 'in a temporary folder, which stays for you to look at'],
    ['mlops demo --dir ~/mlops-demo', 'in a folder of your choice'],
  ],
  flags: [
    { name: 'dir', value: 'DIR', summary: 'put the project into DIR/digits', completes: 'path' },
    { name: 'json', summary: 'print only the result, as JSON' },
  ],
  async run(input, terminal) {
    const json = input.on('json');
    const result = await demo({
      program: [process.execPath, process.argv[1] ?? ''],
      folder: input.text('dir'),
      env: terminal.style.enabled ? { ...terminal.env, FORCE_COLOR: '1' } : terminal.env,
      signal: terminal.signal,
      onEvent: (event) => {
        if (!json) show(event, terminal);
      },
    });
    if (json) {
      terminal.json(result);
      return;
    }
    terminal.print();
    terminal.print(terminal.style.bold(describeDemo(result)));
    terminal.print();
    terminal.print('Go on from here:');
    terminal.print(`  cd ${result.project}`);
    for (const line of [
      'mlops dag',
      'mlops runs list',
      'mlops models show digits',
      'mlops serve models:/digits/Production',
    ])
      terminal.print(`  ${line}`);
  },
};

function show(event: DemoEvent, terminal: Terminal): void {
  const { style } = terminal;
  if (event.kind === 'chapter') terminal.print(`\n${style.bold(`# ${event.title}`)}`);
  else if (event.kind === 'command') terminal.print(`${style.green('$')} ${style.cyan(event.line)}`);
  else if (event.kind === 'output') terminal.write(Buffer.from(event.text));
  else for (const line of ['', ...drawDigits(event.answers)]) terminal.print(line === '' ? '' : `    ${line}`);
}
