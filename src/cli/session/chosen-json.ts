import { selectJson, type JsonChoice } from '../parse/json-select.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A terminal on which of every JSON value only what `--fields` and `--jq` choose is printed. */
export function withChosenJson(terminal: Terminal, choice: JsonChoice): Terminal {
  const show = (value: unknown, print: (value: unknown) => void, isEvent = false): void => {
    for (const one of selectJson(value, choice, isEvent)) {
      if (choice.jq === undefined) print(one);
      else if (typeof one === 'string') terminal.print(one);
      else terminal.jsonLine(one);
    }
  };
  return {
    ...terminal,
    json: (value) => show(value, (one) => terminal.json(one)),
    jsonLine: (value) => show(value, (one) => terminal.jsonLine(one), true),
    // Verbs of DVC write their JSON as Python does, with names for what JSON has no numbers for.
    print: (text = '') => show(JSON.parse(withoutPythonNumbers(text)), (one) => terminal.json(one)),
  };
}

/** NaN and infinities outside of texts as null, which is what JSON makes of them. */
function withoutPythonNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\[^])*(?:"|$)|-?\b(?:NaN|Infinity)\b/g, (word) =>
    word.startsWith('"') ? word : 'null',
  );
}
