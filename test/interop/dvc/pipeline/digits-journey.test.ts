import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { command, mlops, temporaryFolder } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';

describeWithTool('dvc', 'the digits project between both tools', ({ dvc }) => {
  it(
    'is clean for dvc, comes back from the remote with it, and is clean for mlops after dvc repro',
    { timeout: 300_000 },
    () => {
      const base = temporaryFolder();
      const project = path.join(base, 'digits');
      const done = (result: { status: number | null; stdout: string; stderr: string }): string => {
        expect(result.status, result.stdout + result.stderr).toBe(0);
        return result.stdout;
      };
      done(mlops(base, ['init', 'digits', '--template', 'digits']));
      done(mlops(project, ['add', 'data/digits.csv.gz']));
      done(mlops(project, ['repro']));
      done(mlops(project, ['remote', 'add', '--default', 'storage', path.join(base, 'storage')]));
      done(mlops(project, ['push']));
      expect(done(command(project, dvc, ['status']))).toContain('Data and pipelines are up to date.');

      for (const gone of ['.dvc/cache', 'data/digits.csv.gz', 'data/prepared', 'model.onnx', 'weights.json']) {
        fs.rmSync(path.join(project, gone), { recursive: true });
      }
      done(command(project, dvc, ['pull']));
      expect(done(mlops(project, ['status']))).toContain('Data and pipelines are up to date.');

      const params = path.join(project, 'params.yaml');
      fs.writeFileSync(params, fs.readFileSync(params, 'utf8').replace('epochs: 20', 'epochs: 2'));
      expect(done(command(project, dvc, ['repro']))).toContain("Running stage 'train'");
      expect(done(mlops(project, ['status']))).toContain('Data and pipelines are up to date.');
      expect(done(mlops(project, ['repro']))).toContain("Stage 'export' didn't change, skipping");
    },
  );
});
