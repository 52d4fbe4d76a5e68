import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { openDataIn } from '../../../test/support/data.ts';
import { manifestId, sortTree } from '../ids/manifest.ts';
import { readTree } from './tree.ts';

it('lists files in the order of their whole paths, whatever their folders are called', async () => {
  // Below and above the slash, beyond the basic plane and just before it.
  const name = fc.string({
    unit: fc.constantFrom('a', 'b', '-', '0', '\uffee', '\u{10000}'),
    minLength: 1,
    maxLength: 3,
  });
  const paths = fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 12, selector: String });
  await fc.assert(
    fc.asyncProperty(paths, async (given) => {
      const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tree-'));
      const ctx = openDataIn(root);
      try {
        const data = path.join(root, 'data');
        fs.mkdirSync(data);
        const made = given.map((parts) => parts.join('/')).filter((file) => write(data, file));
        const tree = await readTree(ctx, data);
        const files = tree.files();
        expect(files.map(({ relpath }) => relpath).toSorted()).toEqual(made.toSorted());
        expect(files).toEqual(sortTree(files.toReversed()));
        expect(tree.md5).toBe(manifestId(files.toReversed()));
      } finally {
        ctx.close();
        fs.rmSync(root, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
});

/** False where a file stands in the way of a folder, or a folder where the file comes. */
function write(root: string, file: string): boolean {
  try {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), file);
    return true;
  } catch {
    return false;
  }
}
