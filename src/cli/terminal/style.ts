import { escapeControls, styleMark, withStyles } from './escape.ts';
import type { Style } from './terminal.ts';

/** Whether to colour: --color, then NO_COLOR and FORCE_COLOR, then the terminal. */
export function wantsColor(
  choice: 'auto' | 'always' | 'never',
  isTty: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '') !== '') return env['FORCE_COLOR'] !== '0';
  return isTty && env['TERM'] !== 'dumb';
}

const plain = (text: string): string => text;

export const plainStyle: Style = {
  enabled: false,
  bold: plain,
  dim: plain,
  red: plain,
  green: plain,
  yellow: plain,
  blue: plain,
  cyan: plain,
};

/** Loads chalk only where colours are shown: pipes and CI do not pay for it. */
export async function createStyle(enabled: boolean): Promise<Style> {
  if (!enabled) return plainStyle;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  // Chalk joins styles inside of styles by their real escapes; what is not ours was shown before.
  const marked =
    (paint: (text: string) => string) =>
    (text: string): string =>
      paint(withStyles(escapeControls(text))).replaceAll('\u001b', styleMark);
  return {
    enabled: true,
    bold: marked(chalk.bold),
    dim: marked(chalk.dim),
    red: marked(chalk.red),
    green: marked(chalk.green),
    yellow: marked(chalk.yellow),
    blue: marked(chalk.blue),
    cyan: marked(chalk.cyan),
  };
}
