// Before the package is packed: makes man/, a page per command, from the command table.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';

const root = path.dirname(import.meta.dirname);
const folder = path.join(root, 'man');
const { loadCommands, mainManPage, manPage } = createRequire(import.meta.url)('../dist/docs.js');
const commands = (await loadCommands()).flatMap((group) => group.commands);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
writeFileSync(path.join(folder, 'mlops.1'), mainManPage(commands));
for (const command of commands)
  writeFileSync(path.join(folder, `mlops-${command.name.replaceAll(' ', '-')}.1`), manPage(command));
console.log(`wrote ${commands.length + 1} pages into man/`);
