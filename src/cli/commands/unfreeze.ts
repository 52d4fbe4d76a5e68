import type { Command } from '../command.ts';
import { freezeCommand } from './freeze.ts';

export const verb: Command = freezeCommand('unfreeze');
