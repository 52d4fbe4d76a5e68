import { MlopsError, plural, pythonJson, type PyMap } from '../base/index.ts';
import { escapeMarkup } from './svg.ts';

/** One plot on a page. */
export type PageItem =
  | {
      readonly kind: 'drawing';
      readonly id: string;
      /** Undefined where there is nothing to see; the remark says why. */
      readonly svg: string | undefined;
      readonly remark?: string;
      /** The Vega-Lite specification, for other tools. */
      readonly spec?: PyMap;
    }
  | { readonly kind: 'images'; readonly id: string; readonly images: readonly PageImage[] }
  | {
      readonly kind: 'table';
      readonly id: string;
      readonly header: readonly string[];
      readonly rows: readonly (readonly string[])[];
      readonly remark?: string | undefined;
      /** Of words rather than numbers: as wide as the page, nothing aligned to the right. */
      readonly words?: boolean | undefined;
    };

export interface PageImage {
  readonly revision: string;
  /** Relative to the page, or a data URL. */
  readonly source: string;
}

export interface PageContent {
  readonly title: string;
  /** What stands beside the title. Default: how many plots there are. */
  readonly subtitle?: string | undefined;
  readonly items: readonly PageItem[];
}

/**
 * A page with all plots that needs nothing but itself: drawings inline, no script from elsewhere.
 *
 * @param template the user's own page with DVC's places `{plot_divs}`, `{scripts}`, `{refresh_tag}`.
 * @throws MlopsError `bad_plot` when it has no `{plot_divs}`.
 */
export function renderPage(content: PageContent, template: string = ownPage(content)): string {
  if (!template.includes('{plot_divs}')) {
    throw new MlopsError('bad_plot', "HTML template has to contain '{plot_divs}'.", {
      hint: 'put {plot_divs} where the plots go, and {scripts} into the head',
    });
  }
  const fill: Readonly<Record<string, string>> = {
    '{scripts}': `<style>${style}</style>`,
    '{plot_divs}': `<main class="plots">\n${content.items.map(renderItem).join('\n')}\n</main>\n<script>${script}</script>`,
    '{refresh_tag}': '',
  };
  return template.replace(/\{(?:scripts|plot_divs|refresh_tag)\}/g, (place) => fill[place] ?? '');
}

function ownPage(content: PageContent): string {
  const title = escapeMarkup(content.title);
  const subtitle = content.subtitle ?? plural(content.items.length, 'plot');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – plots</title>
{scripts}
</head>
<body>
<header><h1>${title}</h1><p>${escapeMarkup(subtitle)}</p></header>
{plot_divs}
</body>
</html>
`;
}

function renderItem(item: PageItem, index: number): string {
  const heading = `<h2>${escapeMarkup(item.id)}</h2>`;
  if (item.kind === 'images') {
    const images = item.images.map(
      ({ revision, source }) =>
        `<figure><img src="${escapeMarkup(source)}" alt="${escapeMarkup(`${item.id} in ${revision}`)}" loading="lazy"><figcaption>${escapeMarkup(revision)}</figcaption></figure>`,
    );
    return `<section class="card">${heading}<div class="images">${images.join('')}</div></section>`;
  }
  const remark = item.remark === undefined ? '' : `<p class="remark">${escapeMarkup(item.remark)}</p>`;
  if (item.kind === 'table') {
    const row = (cells: readonly string[], tag: 'td' | 'th'): string =>
      `<tr>${cells.map((cell) => `<${tag}>${escapeMarkup(cell)}</${tag}>`).join('')}</tr>`;
    const body = item.rows.map((cells) => row(cells, 'td')).join('');
    const kind = item.words === true ? 'card wide words' : 'card';
    return `<section class="${kind}">${heading}${remark}<table><thead>${row(item.header, 'th')}</thead><tbody>${body}</tbody></table></section>`;
  }
  const spec =
    item.spec === undefined
      ? ''
      : `<button type="button" data-spec="spec-${index}">Vega-Lite</button><script type="application/json" id="spec-${index}">${jsonForScript(item.spec)}</script>`;
  const drawing =
    item.svg === undefined
      ? ''
      : `<div class="drawing" style="max-width:${Math.round(widthOf(item.svg) * 1.3)}px">${item.svg}</div>`;
  const wide = widthOf(item.svg ?? '') > 620 ? ' wide' : '';
  return `<section class="card${wide}"><div class="head">${heading}${spec}</div>${remark}${drawing}</section>`;
}

/** A drawing may grow a little to fill its card, but letters should not become headlines. */
function widthOf(svg: string): number {
  return Number(/ width="(\d+)"/.exec(svg)?.[1] ?? 0);
}

/** JSON that cannot end the script element it stands in; NaN, which JSON lacks, becomes null. */
function jsonForScript(spec: PyMap): string {
  const text = pythonJson(spec, false);
  const strings = /"[^"\\]*(?:\\[^][^"\\]*)*(?:"|\\?$)|-?\bInfinity\b|\bNaN\b/g;
  return text.replace(strings, (part) => (part.startsWith('"') ? part.replaceAll('<', String.raw`\u003c`) : 'null'));
}

const style = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--edge:#e4e7ec;--text:#1f2328;--soft:#667085;--link:#7c4dcc}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--card:#161a20;--edge:#262c35;--text:#e6e8eb;--soft:#98a2b3;--link:#a883ef}}
*{box-sizing:border-box}
body{margin:0;padding:28px clamp(14px,4vw,48px) 56px;background:var(--page);color:var(--text);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header{display:flex;align-items:baseline;gap:14px;margin:0 auto 20px;max-width:1500px}
h1{font-size:22px;margin:0;font-weight:650}header p{margin:0;color:var(--soft)}
main.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:18px;max-width:1500px;margin:0 auto;align-items:start}
.card{background:var(--card);border:1px solid var(--edge);border-radius:12px;padding:14px 16px 12px;min-width:0;overflow-x:auto}
.card.wide{grid-column:1/-1}
.card h2{font:500 12px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--soft);margin:0;overflow-wrap:anywhere}
.head{display:flex;justify-content:space-between;align-items:center;gap:10px}
.head button{font:inherit;font-size:12px;color:var(--link);background:none;border:1px solid var(--edge);border-radius:7px;padding:2px 9px;cursor:pointer}
.head button:hover{border-color:var(--link)}
.drawing{margin:6px auto 0}.drawing svg.plot{display:block;width:100%;height:auto}
.remark{color:var(--soft);font-size:13px;margin:8px 0 0}
table{border-collapse:collapse;width:100%;margin:8px 0 4px;font-size:13px;font-variant-numeric:tabular-nums}
th{color:var(--soft);font-weight:500}th,td{text-align:right;padding:4px 10px 4px 0;border-bottom:1px solid var(--edge)}
th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}
.words th,.words td{text-align:left;vertical-align:top;overflow-wrap:anywhere}.words td:first-child{min-width:12em}.words td:last-child{width:70%}
.images{display:flex;flex-wrap:wrap;gap:14px;margin-top:10px}figure{margin:0;flex:1 1 220px;min-width:0}
figure img{max-width:100%;border-radius:6px;background:#fff}figcaption{color:var(--soft);font-size:12px;margin-top:4px}
`;

/** The only script: a button saves a plot's specification as a file. */
const script = `
for (const button of document.querySelectorAll('button[data-spec]')) button.onclick = () => {
  const spec = document.getElementById(button.dataset.spec).textContent;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([spec], { type: 'application/json' }));
  link.download = button.dataset.spec + '.vl.json';
  link.click();
};
`;
