import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';

import { dumpYaml } from '../../../../src/project/yaml/write.ts';
import { arbitraryYaml } from '../../../support/yaml-arbitrary.ts';
import { describeWithTool } from '../../../tools.ts';
import { askRuamel, typed } from './ruamel.ts';

// Each step starts a Python process, which is slow on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

describeWithTool('dvc', 'YAML against ruamel', ({ dvc }) => {
  it('is written byte by byte as ruamel writes it', () => {
    const values = fc.sample(arbitraryYaml, 1500);
    const answers = askRuamel<string>(
      dvc,
      values.map((value) => ({ op: 'dump', value: typed(value) })),
    );
    const wrong = values.flatMap((value, i) => {
      const ours = dumpYaml(value);
      // Where ruamel loses something, we write what can be read back.
      return ours === answers[i]?.ok || answers[i]?.lossless === false
        ? []
        : [{ ours, ruamel: answers[i]?.ok ?? answers[i]?.error }];
    });
    wrong.sort((a, b) => a.ours.length - b.ours.length);
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(answers.filter((answer) => answer.lossless === true).length).toBeGreaterThan(1200);
  });
});
