// Names, tags, params, Markdown and files that try to run in the page of who looks at them.
import { afterAll, beforeAll, expect, it } from 'vitest';

import { describeWithTool } from '../tools.ts';
import { startUi, visit, type Ui } from './browser.ts';

const mark = 'window.pwned=1;window.top.pwned=1;alert(1)';

/** What is known to run where text becomes markup, an address or a script. */
const payloads: readonly string[] = [
  ...['<script>@</script>', '"><script>@</script>', "'><script>@</script>", '</title><script>@</script>'],
  ...['<img src=x onerror="@">', '<svg onload="@">', '<svg><script>@</script></svg>', '<body onload="@">'],
  ...['<iframe srcdoc="<script>@</script>">', '<iframe src="javascript:@">', '<object data="javascript:@">'],
  ...[
    '<embed src="javascript:@">',
    '<a href="javascript:@">x</a>',
    '<form action="javascript:@"><button>x',
    '<math href="javascript:@">x',
  ],
  ...[
    '<input autofocus onfocus="@">',
    '<details open ontoggle="@">',
    '<video><source onerror="@">',
    '<audio src=x onerror="@">',
  ],
  ...[
    '<marquee onstart="@">',
    '<select autofocus onfocus="@">',
    '<textarea autofocus onfocus="@">',
    '<keygen autofocus onfocus="@">',
  ],
  ...[
    '<link rel=stylesheet href="javascript:@">',
    '<style>@import "javascript:@"</style>',
    '<base href="javascript:@//">',
  ],
  ...[
    '<meta http-equiv=refresh content="0;url=javascript:@">',
    '<table background="javascript:@">',
    '<div style="background:url(javascript:@)">',
  ],
  ...[
    '[x](javascript:@)',
    '[x](JaVaScRiPt:@)',
    '[x](java\nscript:@)',
    '[x](&#106;avascript:@)',
    '![x](javascript:@)',
    '![x](x"onerror="@)',
  ],
  ...[
    '[x](data:text/html,<script>@</script>)',
    '<javascript:@>',
    '[x]: javascript:@\n\n[x]',
    '`<img src=x onerror="@">`',
    '```\n</pre><script>@</script>\n```',
  ],
  ...[
    '# <img src=x onerror="@">',
    '| a |\n|---|\n| <img src=x onerror="@"> |',
    '> <svg onload="@">',
    '- <svg onload="@">',
  ],
  ...[
    '{{constructor.constructor("@")()}}',
    '${@}',
    "');@;//",
    '";@;//',
    '*/@/*',
    '\u2028@',
    '__proto__',
    'constructor',
  ],
  ...[
    '<x onclick="@" style="position:fixed;inset:0">x',
    '<noscript><p title="</noscript><img src=x onerror=@>">',
    '<template><script>@</script></template>',
  ],
];

describeWithTool('chromium', 'what people log', ({ chromium }) => {
  let ui: Ui;
  beforeAll(async () => {
    ui = await startUi(chromium);
  });
  afterAll(() => ui.close());

  it('never runs: fifty payloads at each place where text is shown', { timeout: 180_000 }, async () => {
    expect(payloads.length).toBeGreaterThanOrEqual(50);
    const { store } = ui.server;
    const texts = payloads.map((text) => text.replaceAll('@', mark));
    const whole = texts.join('\n\n');
    const experiment = await store.createExperiment({
      name: texts[0] ?? '',
      tags: [
        { key: 'mlflow.note.content', value: whole.slice(0, 4000) },
        { key: 'team', value: texts[4] ?? '' },
      ],
    });
    const runs: string[] = [];
    for (const [i, text] of texts.entries()) {
      const { info } = await store.createRun({ experimentId: experiment, name: text, startTime: i + 1, userId: text });
      runs.push(info.id);
      await store.logBatch(info.id, {
        params: [{ key: 'p', value: text }],
        tags: [
          { key: 'mlflow.note.content', value: text },
          { key: 't', value: text },
          { key: 'mlflow.source.name', value: text },
        ],
        metrics: [1, 2].map((step) => ({ key: 'm', value: i * step, timestamp: step, step })),
      });
    }
    const [first = '', second = ''] = runs;
    const files = store.artifacts((await store.getRun(first)).info.artifactUri);
    const names = ['a.html', 'a.svg', 'a.md', 'a.csv', 'a.json', 'a.txt', '<img src=x onerror=alert(1)>.txt'];
    for (const name of names) await files.put(name, Buffer.from(name === 'a.json' ? JSON.stringify(texts) : whole));
    await files.put(
      'b.svg',
      Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" onload="${mark}"><script>${mark}</script></svg>`),
    );
    const model = '<img src=x onerror=alert(1)>';
    await store.createRegisteredModel(model, { description: whole.slice(0, 4000) });
    await store.createModelVersion({
      name: model,
      source: (await store.getRun(first)).info.artifactUri,
      runId: first,
      description: texts[5] ?? '',
    });

    const { page, complaints } = await ui.open('#/experiments');
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    const run = `#/experiments/${experiment}/runs/${first}`;
    const name = encodeURIComponent(model);
    const addresses = [
      ...['#/experiments', `#/experiments/${experiment}?base=${first}`, `#/experiments/${experiment}?group=params.p`],
      ...[`#/experiments/${experiment}?filter=${encodeURIComponent(texts[4] ?? '')}`, run, `${run}/model-metrics`],
      ...[...names, 'b.svg'].map((file) => `${run}/artifacts?path=${encodeURIComponent(file)}`),
      ...['table', 'curves', 'parallel', 'scatter', 'box'].map(
        (tab) => `#/compare-runs?runs=${encodeURIComponent(JSON.stringify([first, second]))}&tab=${tab}`,
      ),
      ...['#/models', `#/models/${name}`, `#/models/${name}/versions/1`],
      ...texts.slice(0, 6).map((text) => `#/${encodeURIComponent(text)}`),
      ...runs.map((id) => `#/experiments/${experiment}/runs/${id}`),
    ];
    for (const address of addresses) await visit(page, address);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('<');
    await page.waitForSelector('.found li');
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(dialogs).toEqual([]);
    const injected = (await page.evaluate(
      '[...document.querySelectorAll(\'script:not([src]), [onerror], [onload], [onfocus], a[href^="javascript"], main object, main embed\')].length',
    )) as number;
    expect(injected).toBe(0);
    // The frame of a logged page has been refused its scripts, which is told; nothing else is.
    expect(complaints.filter((text) => !/sandbox|frame|404|400|Content.Security.Policy/i.test(text))).toEqual([]);

    const direct = await page.goto(`${ui.server.url}/ajax-api/2.0/mlflow/mlops-ui/page?run_id=${first}&path=a.html`);
    expect(direct?.status()).toBe(200);
    expect([await page.evaluate('self.origin'), dialogs]).toEqual(['null', []]);
    await page.context().close();
  });
});
