import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { docsTopics, findTopic, topicPath, type DocsTopic } from '../session/docs-topics.ts';
import type { Verb } from '../parse/command.ts';
import { openInBrowser } from '../terminal/open-browser.ts';
import { page } from '../terminal/pager.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const verb: Verb = {
  name: 'docs',
  owner: 'mlops',
  summary: 'Read the manual, which comes with the program',
  description:
    'Pages are shown through the pager of DVC_PAGER or PAGER, else less; in a pipe they are printed as they are.',
  examples: [
    ['mlops docs', 'list the pages'],
    ['mlops docs serving', 'read one'],
    ['mlops docs serving --browser', 'the same as a web page'],
  ],
  args: [{ name: 'topic', optional: true, summary: 'name of a page', completes: 'topic' }],
  flags: [
    { name: 'browser', short: 'b', summary: 'open the page in a browser' },
    { name: 'path', summary: 'only print where the file is' },
    { name: 'json', summary: 'the list of pages as JSON' },
  ],
  async run(input, terminal) {
    const [word] = input.args;
    if (word === undefined) return list(input.on('json'), terminal);
    const topic = findTopic(word);
    const file = topicPath(topic);
    if (input.on('path')) return terminal.print(file);
    const text = fs.readFileSync(file, 'utf8');
    if (topic.plain === true) return terminal.write(text);
    if (input.on('browser')) return show(topic, text, terminal);
    await page(text.trimEnd(), terminal);
  },
};

function list(json: boolean, terminal: Terminal): void {
  if (json) return terminal.json(docsTopics.map((topic) => ({ ...topic, file: topicPath(topic) })));
  const column = Math.max(...docsTopics.map(({ name }) => name.length)) + 2;
  for (const { name, summary } of docsTopics) terminal.print(`${terminal.style.cyan(name.padEnd(column))}${summary}`);
  terminal.next('read one: mlops docs TOPIC');
}

/** The page lies in a folder of its own until the next start of the machine: the browser reads it later. */
async function show(topic: DocsTopic, text: string, terminal: Terminal): Promise<void> {
  const { markdownPage } = await import('../terminal/markdown.ts');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-docs-'));
  const file = path.join(folder, `${topic.name}.html`);
  fs.writeFileSync(file, await markdownPage(topic.summary, text));
  terminal.print(file);
  openInBrowser(file, terminal);
}
