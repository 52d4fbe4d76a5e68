/** Renders a project template into a folder and runs its stages with plain Node, as `dvc.yaml` says. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { expect } from 'vitest';
import { parse } from 'yaml';

import { renderTemplate } from '../src/scaffold/index.ts';

export interface Stage {
  cmd: string;
  deps: string[];
  params?: string[];
  outs?: string[];
  metrics?: Record<string, unknown>[];
  plots?: Record<string, unknown>[];
}

/** A fresh copy of a template, in a folder of its own inside `room`. */
export function render(room: string, name: string, label: string): string {
  const folder = fs.mkdtempSync(path.join(room, `${name}-${label}-`));
  renderTemplate(name, folder, { variables: { project: 'demo' } });
  return folder;
}

/** The stages in the order of the file, which in the templates is the order to run them in. */
export function stagesOf(folder: string): [string, Stage][] {
  const { stages } = parse(read(folder, 'dvc.yaml')) as { stages: Record<string, Stage> };
  return Object.entries(stages);
}

export function outsOf(stage: Stage): string[] {
  const named = [...(stage.metrics ?? []), ...(stage.plots ?? [])].flatMap((item) => Object.keys(item));
  return [...(stage.outs ?? []), ...named];
}

export function runStages(folder: string): void {
  const params = parse(read(folder, 'params.yaml')) as Record<string, unknown>;
  for (const [, { cmd, deps }] of stagesOf(folder)) {
    for (const dep of deps) expect(fs.existsSync(path.join(folder, dep)), dep).toBe(true);
    const [program, ...args] = cmd.replace(/\$\{(\w+)\}/g, (_, key: string) => String(params[key])).split(' ');
    expect(program).toBe('node');
    execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' });
  }
}

export function listAll(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => path.relative(folder, path.join(item.parentPath, item.name)).split(path.sep).join('/'))
    .sort();
}

export function read(folder: string, file: string): string {
  return fs.readFileSync(path.join(folder, file), 'utf8');
}
