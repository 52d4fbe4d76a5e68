/**
 * Edits a text that its user may keep with CRLF (a Windows checkout): `edit` sees and gives LF, the result has the
 * line end that most lines of the text had. Both kinds in one file come from a tool that did not care, so that one
 * kind comes out.
 */
export function keepingLineEnds(text: string, edit: (text: string) => string): string {
  if (!text.includes('\r\n')) return edit(text);
  const plain = text.replaceAll('\r\n', '\n');
  const edited = edit(plain);
  if (edited === plain) return text;
  const breaks = plain.split('\n').length - 1;
  const withReturn = text.length - plain.length;
  return withReturn * 2 >= breaks ? edited.replaceAll('\n', '\r\n') : edited;
}
