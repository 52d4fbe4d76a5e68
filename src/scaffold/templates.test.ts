import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { MlopsError } from '../base/index.ts';
import { listTemplates } from './index.ts';
import { findTemplate, listTemplatesIn, templatesFolder } from './templates.ts';

const names = ['digits', 'image', 'minimal', 'tabular', 'tabular-ab', 'text'];
const all = `templates: ${names.join(', ')}`;
let room: string;

beforeEach(() => {
  room = fs.mkdtempSync(path.join(os.tmpdir(), 'templates-'));
});

afterEach(() => fs.rmSync(room, { recursive: true, force: true }));

describe('the list of templates', () => {
  it('has those of the package, each with a summary that fits a line and with next steps', () => {
    const templates = listTemplates();
    expect(templates.map(({ name }) => name)).toEqual(names);
    for (const { summary, description, next } of templates) {
      expect(summary.length).toBeGreaterThan(10);
      expect(summary.length).toBeLessThan(80);
      expect(description.length).toBeGreaterThan(summary.length);
      expect(next.length).toBeGreaterThan(0);
    }
  });

  it('leaves out folders without a description', () => {
    makeTemplate('b', {});
    makeTemplate('a', {});
    fs.mkdirSync(path.join(room, 'notes'));
    expect(listTemplatesIn(room).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('takes a wrong description for a bug', () => {
    makeTemplate('a', { name: 'other' });
    expect(() => listTemplatesIn(room)).toThrow(/'name' is not the name of the folder/);
    makeTemplate('a', { summary: 1 });
    expect(() => listTemplatesIn(room)).toThrow(/must be texts/);
    makeTemplate('a', { next: 'mlops repro' });
    expect(() => listTemplatesIn(room)).toThrow(/must be lists of texts/);
  });
});

describe('an unknown template', () => {
  it.each([
    ['digit', `did you mean 'digits'? (${all})`],
    ['spaceship', all],
    ['../templates/digits', all],
    ['', all],
  ])("'%s' is an error with the names there are", (name, hint) => {
    const error = thrownBy(() => findTemplate(templatesFolder(), name));
    expect(error).toMatchObject({ code: 'unknown_project_template', message: `there is no template '${name}'`, hint });
  });
});

describe('the templates folder', () => {
  it('is found from a source file and from a bundle, at any depth', () => {
    fs.writeFileSync(path.join(room, 'package.json'), '{}');
    fs.mkdirSync(path.join(room, 'templates'));
    for (const module of ['src/scaffold/templates.ts', 'dist/main.js', 'dist/chunks/a/b.js']) {
      expect(templatesFolder(path.join(room, module))).toBe(path.join(room, 'templates'));
    }
  });

  it('is the one of the own package, not of a project that the package is installed in', () => {
    const own = path.join(room, 'node_modules', 'mlops');
    for (const folder of [room, own]) {
      fs.mkdirSync(path.join(folder, 'templates'), { recursive: true });
      fs.writeFileSync(path.join(folder, 'package.json'), '{}');
    }
    expect(templatesFolder(path.join(own, 'dist', 'main.js'))).toBe(path.join(own, 'templates'));
  });

  it('that is missing is a bug', () => {
    expect(() => templatesFolder(path.join(room, 'dist', 'main.js'))).toThrow(/no package with a folder 'templates'/);
  });
});

describe('the files of the templates', () => {
  it('have names that npm packs', () => {
    const files = fs.readdirSync(templatesFolder(), { recursive: true, encoding: 'utf8' });
    for (const file of files) {
      expect(file.split(path.sep)).not.toContainEqual(expect.stringMatching(/^\.|^node_modules$/));
    }
  });
});

function makeTemplate(name: string, changes: Record<string, unknown>): void {
  fs.mkdirSync(path.join(room, name), { recursive: true });
  const description = { name, summary: 's', description: 'd', next: [], ...changes };
  fs.writeFileSync(path.join(room, name, 'template.json'), JSON.stringify(description));
}

function thrownBy(action: () => unknown): MlopsError {
  try {
    action();
  } catch (error) {
    if (error instanceof MlopsError) return error;
    throw error;
  }
  throw new Error('expected an error');
}
