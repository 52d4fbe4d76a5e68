import { page } from '../terminal/pager.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * A terminal that keeps what is printed until `flush`, which shows it through the pager where it is longer than the
 * screen. For commands that print a table and end.
 */
export function pagedOutput(terminal: Terminal): { readonly terminal: Terminal; flush(): Promise<void> } {
  let text = '';
  const keeping: Terminal = {
    ...terminal,
    print: (line = '') => void (text += `${line}\n`),
    write: (chunk) => {
      if (typeof chunk === 'string') text += chunk;
      else terminal.write(chunk);
    },
  };
  const flush = async (): Promise<void> => {
    const whole = text;
    text = '';
    if (whole === '') return;
    const isLong = whole.split('\n').length > terminal.errorSize().rows;
    if (isLong) await page(whole.replace(/\n$/, ''), terminal);
    else terminal.write(whole);
  };
  return { terminal: keeping, flush };
}
