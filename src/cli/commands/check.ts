import type { Verb } from '../parse/command.ts';
import { checkDataCommand, inferCommand } from './check-data.ts';

export const verb: Verb = {
  name: 'check',
  summary: 'Say whether data are fit for use',
  commands: [checkDataCommand, inferCommand],
};
