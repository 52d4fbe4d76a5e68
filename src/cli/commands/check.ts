import type { Verb } from '../parse/command.ts';
import { checkAllCommand, checkCodeCommand, checkModelCommand } from './check-gates.ts';
import { checkDataCommand, inferCommand } from './check-data.ts';

export const verb: Verb = {
  name: 'check',
  summary: 'Say whether data, models and code are fit for use',
  commands: [checkDataCommand, inferCommand, checkModelCommand, checkCodeCommand, checkAllCommand],
};
