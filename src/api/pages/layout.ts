import { html, type Html } from './html.ts';

export interface PageParts {
  readonly title: string;
  readonly section: 'experiments' | 'models';
  readonly prefix: string;
  /** Where the page hangs: label and address, outermost first. */
  readonly crumbs?: readonly (readonly [label: string, href: string])[];
  readonly body: Html;
}

/** A whole page. */
export function page({ title, section, prefix, crumbs = [], body }: PageParts): string {
  const link = (name: 'experiments' | 'models', label: string, href: string): Html =>
    html`<a href="${prefix}${href}" class="${section === name ? 'here' : ''}">${label}</a>`;
  const trail = crumbs.map(([label, href]) => html`<a href="${prefix}${href}">${label}</a> / `);
  const content = html`<html lang="en" data-prefix="${prefix}">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>${title} - mlops</title>
      <link rel="icon" href="data:," />
      <link rel="stylesheet" href="${prefix}/static/style.css" />
      <script src="${prefix}/static/hash.js" defer></script>
    </head>
    <body>
      <header>
        <nav>
          <a class="brand" href="${prefix}/">mlops</a>
          ${link('experiments', 'Experiments', '/')} ${link('models', 'Models', '/models')}
        </nav>
      </header>
      <main>
        ${trail.length > 0 && html`<p class="crumbs">${trail}</p>`}
        <h1>${title}</h1>
        ${body}
      </main>
    </body>
  </html>`;
  return `<!doctype html>\n${content.text}`;
}

/** A table; cells of a column named in `numbers` are right-aligned. */
export function table(
  header: readonly string[],
  rows: readonly (readonly Html[])[],
  numbers: readonly string[] = [],
): Html {
  const right = header.map((name) => numbers.includes(name));
  const head = header.map((name, i) => html`<th class="${right[i] === true ? 'number' : ''}">${name}</th>`);
  const body = rows.map(
    (cells) =>
      html`<tr>
        ${cells.map((cell, i) => html`<td class="${right[i] === true ? 'number' : ''}">${cell}</td>`)}
      </tr>`,
  );
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

export function empty(text: string): Html {
  return html`<p class="empty">${text}</p>`;
}

export function chip(text: string): Html {
  return html`<span class="chip ${text}">${text}</span>`;
}

export function facts(rows: readonly (readonly [name: string, value: Html | string | undefined])[]): Html {
  const shown = rows.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl>
    ${shown.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
