import { MlopsError } from '../../base/index.ts';
import { readOptionLine, readSectionLine, readValue, unquote, type SectionLine } from './lines.ts';

/** A value in a config file: text, or a list where the file has commas. */
export type ConfigValue = string | readonly string[];

/** Section name (lower case, as in the brackets) to option (lower case) to value, in file order. */
export type ConfigSections = Map<string, Map<string, ConfigValue>>;

/** Where Python ends a line. */
// oxlint-disable-next-line no-control-regex -- these are some of the characters
const lineBreak = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;

/**
 * Reads the INI dialect of Python's ConfigObj, as DVC uses it.
 *
 * @throws MlopsError `bad_config` with the line.
 */
export function parseConfigText(text: string, file: string): ConfigSections {
  const sections: ConfigSections = new Map();
  let current: Map<string, ConfigValue> | undefined;
  const keys = new Set<string>();
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(lineBreak)
    .entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const marker = readSectionLine(line);
    if (marker !== undefined) {
      current = openSection(sections, marker, file, index + 1);
      keys.clear();
      continue;
    }
    const option = readOptionLine(line);
    if (option === undefined) throw badLine(file, line, index + 1);
    const value = readValue(option.value);
    const key = unquote(option.key);
    if (value === undefined) throw configError(`Parse error in value at line ${index + 1}.`, file);
    if (current === undefined) throw configError(`expected a dictionary @ data['${key.toLowerCase()}']`, file);
    if (keys.has(key)) throw configError(`Duplicate keyword name at line ${index + 1}.`, file);
    keys.add(key);
    current.set(key.toLowerCase(), value);
  }
  return sections;
}

/** An error about configuration in DVC's words: `config file error: ...`. */
export function configError(message: string, file?: string, hint?: string): MlopsError {
  const details = { hint, ...(file === undefined ? {} : { where: file, data: { file } }) };
  return new MlopsError('bad_config', `config file error: ${message}`, details);
}

/** Writes sections as ConfigObj does; empty sections are left out. */
export function formatConfigText(sections: ConfigSections): string {
  const lines: string[] = [];
  for (const [name, options] of sections) {
    // DVC leaves out its own sections when they are empty, and keeps those that have a name.
    if (options.size === 0 && !/"/.test(name)) continue;
    lines.push(`[${quote(name)}]`);
    for (const [key, value] of options) lines.push(`    ${quote(key)} = ${quoteValue(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Sets or removes (`undefined`) one option in a text and leaves every other line as it is. */
export function editConfigText(text: string, section: string, option: string, value: ConfigValue | undefined): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const start = lines.findIndex((line) => sectionName(line) === section);
  if (start < 0) {
    if (value === undefined) return text;
    return `${[...lines, `[${quote(section)}]`, optionLine('    ', option, value)].join('\n')}\n`;
  }
  const after = lines.findIndex((line, i) => i > start && sectionName(line) !== undefined);
  const end = after < 0 ? lines.length : after;
  const at = lines.findIndex((line, i) => i > start && i < end && optionName(line) === option);
  if (value !== undefined) setLine(lines, start, end, at, option, value);
  else if (at >= 0) lines.splice(at, 1);
  const next = lines.slice(start + 1).find((line) => line.trim() !== '');
  if (value === undefined && (next === undefined || sectionName(next) !== undefined)) lines.splice(start, 1);
  return lines.length === 0 ? '\n' : `${lines.join('\n')}\n`;
}

function setLine(lines: string[], start: number, end: number, at: number, option: string, value: ConfigValue): void {
  if (at >= 0) {
    const indent = /^\s*/.exec(lines[at] ?? '')?.[0] ?? '';
    lines[at] = optionLine(indent, option, value);
    return;
  }
  let last = end;
  while (last > start + 1 && (lines[last - 1] ?? '').trim() === '') last--;
  const indent = last > start + 1 ? (/^\s*/.exec(lines[last - 1] ?? '')?.[0] ?? '') : '    ';
  lines.splice(last, 0, optionLine(indent, option, value));
}

function openSection(
  sections: ConfigSections,
  marker: SectionLine,
  file: string,
  line: number,
): Map<string, ConfigValue> {
  if (marker.opening !== marker.closing) {
    throw configError(`Cannot compute the section depth at line ${line}.`, file);
  }
  const name = unquote(marker.name);
  if (marker.opening > 1) throw configError(`extra keys not allowed @ data['${name}']`, file);
  if (sections.has(name.toLowerCase())) throw configError(`Duplicate section name at line ${line}.`, file);
  const options = new Map<string, ConfigValue>();
  sections.set(name.toLowerCase(), options);
  return options;
}

function badLine(file: string, line: string, number: number): MlopsError {
  return configError(`Invalid line ('${line}') (matched as neither section nor keyword) at line "${number}".`, file);
}

function sectionName(line: string): string | undefined {
  const marker = line.trim().startsWith('#') ? undefined : readSectionLine(line);
  return marker === undefined ? undefined : unquote(marker.name).toLowerCase();
}

function optionName(line: string): string | undefined {
  const option = line.trim().startsWith('#') ? undefined : readOptionLine(line);
  return option === undefined ? undefined : unquote(option.key).toLowerCase();
}

function optionLine(indent: string, option: string, value: ConfigValue): string {
  return `${indent}${quote(option)} = ${quoteValue(value)}`;
}

function quoteValue(value: ConfigValue): string {
  if (typeof value === 'string') return quote(value);
  if (value.length === 0) return ',';
  return value.length === 1 ? `${quote(value[0] ?? '')},` : value.map(quote).join(', ');
}

/** As ConfigObj quotes: only where blanks, quotes, commas or hash signs need it. */
function quote(value: string): string {
  if (value === '') return '""';
  if (/[\r\n]/.test(value) || (value.includes("'") && value.includes('"'))) {
    if (value.includes("'''")) throw configError(`Value "${value}" cannot be safely quoted.`);
    return `'''${value}'''`;
  }
  if (!/^[\s'"]|[\s'"]$|[,#]/.test(value)) return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
