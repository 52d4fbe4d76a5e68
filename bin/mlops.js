#!/usr/bin/env node
// Checks what the bundle cannot check itself, then hands over.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`ERROR: mlops needs Node 20.19 or newer, this is ${process.version}\n`);
  process.exit(1);
}
require('../dist/start.js').start();
