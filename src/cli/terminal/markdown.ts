import { marked } from 'marked';

/** A page of ours in Markdown as one HTML file: no script, nothing fetched, light and dark. */
export async function markdownPage(title: string, markdown: string): Promise<string> {
  const body = await marked.parse(markdown, { gfm: true });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</title>
<style>${style}</style>
<main>
${body}</main>
</html>
`;
}

const style = `
body { font: 16px/1.6 system-ui, sans-serif; margin: 2rem 1rem; }
main { max-width: 52rem; margin: auto; }
pre, code { font: 0.9em/1.5 ui-monospace, monospace; background: color-mix(in srgb, CanvasText 7%, Canvas); border-radius: 4px; }
code { padding: 0.1em 0.3em; }
pre { padding: 0.8rem 1rem; overflow-x: auto; }
pre code { padding: 0; background: none; font-size: 1em; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas); padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
`;
