/** The texts inside every `<tag>...</tag>`, in order, still escaped. Tags of S3's answers do not nest in themselves. */
export function elements(xml: string, tag: string): string[] {
  const [open, close] = [`<${tag}>`, `</${tag}>`];
  const found: string[] = [];
  for (let from = 0; ;) {
    const start = xml.indexOf(open, from);
    const end = start < 0 ? -1 : xml.indexOf(close, start);
    if (end < 0) return found;
    found.push(xml.slice(start + open.length, end));
    from = end + close.length;
  }
}

/** The text of the first `<tag>`, undefined when there is none. */
export function element(xml: string, tag: string): string | undefined {
  const start = xml.indexOf(`<${tag}>`);
  const end = start < 0 ? -1 : xml.indexOf(`</${tag}>`, start);
  return end < 0 ? undefined : unescaped(xml.slice(start + tag.length + 2, end));
}

/** The name of the outermost element. */
export function rootOf(xml: string): string | undefined {
  const next = /\s*(?:<\?[^>]*>|<!--|<([\w:]+))/y;
  for (let found = next.exec(xml); found !== null; found = next.exec(xml)) {
    if (found[1] !== undefined) return found[1];
    if (!found[0].endsWith('<!--')) continue;
    const end = xml.indexOf('-->', next.lastIndex);
    if (end < 0) return undefined;
    next.lastIndex = end + 3;
  }
  return undefined;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']|[^\P{Cc}]/gu, (sign) => `&#${sign.codePointAt(0) ?? 0};`);
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name?: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return named[name ?? ''] ?? all;
  });
}
