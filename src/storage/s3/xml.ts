import { SaxesParser } from 'saxes';

/** An element of an answer of S3. */
export interface XmlElement {
  readonly name: string;
  /** Its own text, unescaped, with the blanks around it. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Answers of S3 have five levels at most. */
const maxDepth = 50;

/**
 * Reads an answer; undefined for what is no XML, whole and well formed, and for what nests more deeply than any answer.
 * Entities of a document's own are not known, so none can multiply.
 */
export function parseXml(text: string): XmlElement | undefined {
  const parser = new SaxesParser({ position: false });
  const top: Open = { name: '', text: '', children: [] };
  const open: Open[] = [top];
  parser.on('opentag', ({ name }) => {
    const fresh: Open = { name, text: '', children: [] };
    open.at(-1)?.children.push(fresh);
    if (open.push(fresh) > maxDepth) throw noXml;
  });
  parser.on('closetag', () => void open.pop());
  const add = (part: string): void => {
    const current = open.at(-1);
    if (current !== undefined) current.text += part;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('error', () => {
    throw noXml;
  });
  try {
    parser.write(text).close();
  } catch (error) {
    if (error !== noXml) throw error;
    return undefined;
  }
  return top.children[0];
}

interface Open {
  readonly name: string;
  text: string;
  readonly children: Open[];
}

const noXml = new Error('not well-formed XML');

/** The elements of that name below one, at any depth, in order; those of S3 do not stand in each other. */
export function elements(around: XmlElement, name: string): XmlElement[] {
  return around.children.flatMap((child) => (child.name === name ? [child] : elements(child, name)));
}

/** The text of the first element of that name, undefined when there is none. */
export function element(around: XmlElement, name: string): string | undefined {
  return elements(around, name)[0]?.text;
}

/** A text as it stands between tags. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']|[^\P{Cc}]/gu, (sign) => `&#${sign.codePointAt(0) ?? 0};`);
}
