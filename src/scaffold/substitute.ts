import { MlopsError } from '../base/index.ts';

export type Values = Readonly<Record<string, string>>;

/**
 * Fills in a text: `{{name}}` becomes the value of a variable, and lines between a line `{{#if name=a|b}}` and a line
 * `{{/if}}` stay only where the variable has one of the values; before the braces may stand `#` or `//`, so that the
 * template is a file of its own language. Conditions do not nest. `${{ ... }}` is left alone: it belongs to GitHub's
 * workflow files. Throws `bad_project_template` for a variable without a value and for a condition without an end.
 */
export function substitute(text: string, values: Values, where: string): string {
  const kept: string[] = [];
  let open: { readonly line: number; readonly holds: boolean } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const mark = markOf(line);
    if (mark?.startsWith('{{#if ') === true) {
      if (open !== undefined) throw bad(where, index, 'a condition stands inside of another');
      open = { line: index, holds: holds(mark.slice(6, -2), values, where, index) };
    } else if (mark === '{{/if}}') {
      if (open === undefined) throw bad(where, index, 'no condition ends here');
      open = undefined;
    } else if (open?.holds !== false) kept.push(line);
  }
  if (open !== undefined) throw bad(where, open.line, 'the condition has no end');
  return kept.join('\n').replace(/(?<!\$)\{\{(\w+)\}\}/g, (_, name: string) => valueOf(name, values, where));
}

/** True where each variable has one of the values. */
export function fulfils(when: Readonly<Record<string, readonly string[]>>, values: Values, where: string): boolean {
  return Object.entries(when).every(([name, wanted]) => wanted.includes(valueOf(name, values, where)));
}

/** A line's condition, without what makes it a comment. */
function markOf(line: string): string | undefined {
  const text = line.trim();
  if (!text.endsWith('}}')) return undefined;
  const at = text.startsWith('#') ? 1 : text.startsWith('//') ? 2 : 0;
  const mark = text.slice(at).trim();
  return mark.startsWith('{{#if ') || mark === '{{/if}}' ? mark : undefined;
}

function holds(condition: string, values: Values, where: string, line: number): boolean {
  const [name = '', wanted] = condition.trim().split('=');
  if (wanted === undefined) throw bad(where, line, `'${condition}' is not of the form name=value`);
  return wanted.split('|').includes(valueOf(name, values, where));
}

function valueOf(name: string, values: Values, where: string): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value !== undefined) return value;
  throw new MlopsError('bad_project_template', `no value for {{${name}}} in ${where}`, {
    hint: `give it with --set ${name}=VALUE, or in 'variables' of template.json`,
  });
}

function bad(where: string, line: number, what: string): MlopsError {
  return new MlopsError('bad_project_template', `${where}, line ${line + 1}: ${what}`);
}
