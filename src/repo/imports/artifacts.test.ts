import { expect, it } from 'vitest';

import { compareVersions } from './artifacts.ts';

it('orders versions as semantic versioning does, pre-releases before their release', () => {
  const ordered = [
    ...['v0.9.9', 'v1.0.0-1', 'v1.0.0-2', 'v1.0.0-10', 'v1.0.0-alpha', 'v1.0.0-alpha.1', 'v1.0.0-beta', 'v1.0.0'],
    ...['v1.0.1', 'v1.2.0', 'v1.10.0', 'v2.0.0'],
  ];
  expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
});
