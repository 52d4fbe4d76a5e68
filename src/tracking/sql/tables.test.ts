import { expect, it } from 'vitest';

import { openDatabase } from '../../base/index.ts';
import { migrations } from '../sqlite/schema.ts';
import { tables } from './tables.ts';

/** What belongs to a place, not to what is kept there. */
const ownToAPlace = ['outbox', 'duties', 'auth_revision'];

it('names every table, so that copies are whole', () => {
  const db = openDatabase(':memory:', { migrations });
  const made = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).all();
  const names = (made as { name: string }[]).map(({ name }) => name);
  expect(new Set([...tables.map(({ name }) => name), ...ownToAPlace])).toEqual(new Set(names));
  db.close();
});
