import type { Verb } from '../parse/command.ts';
import { driftCommand } from './monitor-drift.ts';

export const verb: Verb = {
  name: 'monitor',
  summary: 'Know that data or model went wrong',
  commands: [driftCommand],
};
