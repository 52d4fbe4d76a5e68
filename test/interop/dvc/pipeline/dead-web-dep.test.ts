import { it, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { openTwin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 300_000 });

describeWithTool('dvc', 'twins: a dep on a web server that does not answer', ({ dvc }) => {
  it('counts as deleted, and the rest is told', () => {
    const twin = openTwin({ dvc });
    twin.write('in', '1');
    twin.write(
      'dvc.yaml',
      `stages:
  w: {cmd: cp in w.txt, deps: ["http://127.0.0.1:9/x.zip"], outs: [w.txt]}
  l: {cmd: cp in o, deps: [in], outs: [o]}
`,
    );
    twin.run(['repro', '-q', 'l']);
    twin.write('in', '2');
    twin.run(['status']);
    twin.run(['status', '--json']);
    // DVC also says of the other stage that it is cached, which it is not.
    twin.run(['repro', '--dry'], { anyStdout: true });
  });
});
