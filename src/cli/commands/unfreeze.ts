import type { Command } from '../parse/command.ts';
import { freezeCommand } from './freeze.ts';

export const verb: Command = freezeCommand('unfreeze');
