import { expect, it } from 'vitest';

import { needsCleanEnd, onCleanEndNeeded } from './clean-end.ts';

it('listens once, when the first thing begins that wants a clean end', () => {
  let heard = 0;
  needsCleanEnd();
  onCleanEndNeeded(() => heard++);
  expect(heard).toBe(0);
  needsCleanEnd();
  needsCleanEnd();
  expect(heard).toBe(1);
});
