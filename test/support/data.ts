import * as path from 'node:path';

import { openData, type DataContext, type DataSettings } from '../../src/data/index.ts';

/** A project's data in a temp folder: its own cache, copies as links, nothing ignored. */
export const openDataIn = (root: string, settings: Partial<DataSettings> = {}): DataContext =>
  openData({
    root,
    cacheDir: path.join(root, '.dvc/cache'),
    stateDir: path.join(root, '.mlops'),
    linkTypes: ['copy'],
    shared: false,
    ignored: () => false,
    ...settings,
  });
