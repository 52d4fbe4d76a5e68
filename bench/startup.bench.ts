// Start-up: how long over an empty Node process until a command answers. Goal: --version at most 15 ms.
import { machine, milliseconds, mlopsCommand, printTable, race, rival, sh, type Contestant } from './measure.ts';

const dvc = rival('dvc/bin/dvc');
const contestants: Contestant[] = [
  { name: 'empty Node process', run: () => sh([process.execPath, '-e', '0']) },
  { name: 'mlops --version', run: () => sh([...mlopsCommand, '--version']) },
  { name: 'mlops --help', run: () => sh([...mlopsCommand, '--help']) },
  { name: 'mlops add --help', run: () => sh([...mlopsCommand, 'add', '--help']) },
  ...(dvc === undefined
    ? []
    : [
        { name: 'dvc --version', run: () => void sh([dvc, '--version']) },
        { name: 'dvc --help', run: () => void sh([dvc, '--help']) },
      ]),
];

const timings = race(contestants, 15);
const floor = timings[0]?.median ?? 0;
console.log(machine());
printTable(
  'Start-up',
  ['command', 'median', 'over an empty process'],
  timings.map((timing) => [timing.name, milliseconds(timing.median), milliseconds(timing.median - floor)]),
);
