// `npm run demo`: the first command on a fresh clone. Installs and builds what is missing, then `mlops demo`.
import { ensureBuilt, ensureInstalled, run } from './first-run.mjs';

ensureInstalled();
ensureBuilt();
run(process.execPath, ['bin/mlops.js', 'demo', ...process.argv.slice(2)]);
