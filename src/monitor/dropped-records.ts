import * as fs from 'node:fs';
import * as path from 'node:path';

const fileName = 'dropped.jsonl';
/** Beyond so many bytes the older half of the notes goes. */
const limit = 256 * 1024;

/** Notes beside a log how many records were lost; throws where the disk takes nothing. */
export async function noteDropped(directory: string, count: number, now: number): Promise<void> {
  const file = path.join(directory, fileName);
  await fs.promises.appendFile(file, `${JSON.stringify({ at: now, count })}\n`, { mode: 0o600 });
  const { size } = await fs.promises.stat(file);
  if (size <= limit) return;
  const lines = (await fs.promises.readFile(file, 'utf8')).split('\n');
  await fs.promises.writeFile(file, lines.slice(lines.length >>> 1).join('\n'), { mode: 0o600 });
}

/** How many records writers of a log lost since a time, in milliseconds since the epoch; a note cut short is none. */
export function droppedSince(directory: string, since: number): number {
  let text: string;
  try {
    text = fs.readFileSync(path.join(directory, fileName), 'utf8');
  } catch {
    return 0;
  }
  return text.split('\n').reduce((sum, line) => {
    const { at, count } = noteOf(line);
    return at >= since ? sum + count : sum;
  }, 0);
}

function noteOf(line: string): { at: number; count: number } {
  try {
    const { at, count } = JSON.parse(line) as { at?: unknown; count?: unknown };
    if (typeof at === 'number' && typeof count === 'number') return { at, count };
  } catch {
    // Of a writer that was killed.
  }
  return { at: -Infinity, count: 0 };
}
