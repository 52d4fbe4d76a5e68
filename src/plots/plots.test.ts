import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PyFloat, pythonJson, type PyMap, type PyValue } from '../base/index.ts';
import {
  builtinTemplate,
  datapointsOf,
  drawPlot,
  fillTemplate,
  parseTable,
  renderPage,
  templateNames,
} from './index.ts';
import type { PlotContent } from './index.ts';
import { loess } from './loess.ts';
import { bandScale, linearScale } from './scale.ts';
import { anchor, fillAnchor, hasAnchor, toSpec } from './spec.ts';

function table(text: string, header = true): PyMap[] {
  return parseTable(text, { delimiter: ',', header });
}

function contentOf(
  files: Readonly<Record<string, PyValue>>,
  properties: Readonly<Record<string, PyValue>>,
  revisions = ['workspace'],
): PlotContent {
  const id = Object.keys(files)[0] ?? '';
  const given = new Map(Object.entries(properties));
  const all = revisions.map((revision) => datapointsOf(id, new Map(Object.entries(files)), given, revision));
  const [first] = all;
  if (first === undefined) throw new Error('no data');
  return { ...first, rows: all.flatMap((points) => points?.rows ?? []), revisions };
}

const loss = table('step,loss,acc\n0,1.0,0.1\n1,0.5,0.4\n2,0.25,0.6\n');

describe('tables', () => {
  it('keeps values as text, and knows quotes, blank lines and short and long rows', () => {
    const rows = table('a,b\r\n1,"x, ""y""\nz"\r\n\r\n2\n3,4,5\n');
    expect(rows.map((row) => [...row])).toEqual([
      [
        ['a', '1'],
        ['b', 'x, "y"\nz'],
      ],
      [
        ['a', '2'],
        ['b', null],
      ],
      [
        ['a', '3'],
        ['b', '4'],
        [null, ['5']],
      ],
    ]);
    expect(table('1,2\n3,4', false).map((row) => [...row.keys()])).toEqual([
      ['0', '1'],
      ['0', '1'],
    ]);
    expect(table('')).toEqual([]);
  });

  it('reads back any table that is quoted by the rules', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'é', ' ') });
    const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 8 }), (cells) => {
        const text = [['x', 'y'], ...cells].map((row) => row.map(quote).join(',')).join('\n');
        expect(table(text).map((row) => [row.get('x'), row.get('y')])).toEqual(cells);
      }),
    );
  });
});

describe('templates', () => {
  it('has the nine of DVC, each a Vega-Lite specification with a place for data', () => {
    expect(templateNames).toHaveLength(9);
    for (const name of templateNames) expect(hasAnchor(builtinTemplate(name) ?? null, 'data'), name).toBe(true);
    expect(builtinTemplate('nope')).toBeUndefined();
    expect(builtinTemplate('toString')).toBeUndefined();
  });

  it('replaces a placeholder by any value, and inside a text only by text', () => {
    const spec = toSpec({ a: anchor('x'), b: [anchor('x'), [anchor('x')]], c: `of ${anchor('x')}` }) as PyMap;
    expect(pythonJson(fillAnchor(spec, 'x', '$&'), false)).toBe('{"a": "$&", "b": ["$&", ["$&"]], "c": "of $&"}');
    expect(pythonJson(fillAnchor(spec, 'x', 1), false)).toBe('{"a": 1, "b": [1, [1]], "c": "of <DVC_METRIC_X>"}');
  });

  it('leaves no placeholder in any built-in template', () => {
    const single = contentOf({ 'loss.csv': loss }, { x: 'step', y: 'loss' }, ['workspace', 'main']);
    const several = contentOf({ 'loss.csv': loss }, { x: 'step', y: ['loss', 'acc'] });
    for (const name of templateNames) {
      for (const content of [single, several]) {
        const { spec } = fillTemplate(builtinTemplate(name) ?? new Map(), name, content);
        expect(pythonJson(spec, false), name).not.toContain('<DVC_METRIC_');
      }
    }
  });

  it('refuses a template without data, and axes that are in no row', () => {
    const content = contentOf({ 'loss.csv': loss }, { y: 'loss' });
    expect(() => fillTemplate(new Map(), 'mine', content)).toThrow(
      "Template 'mine' is not using '<DVC_METRIC_DATA>' anchor",
    );
    const wrong = { ...content, properties: new Map([...content.properties, ['x', 'nope']]) };
    expect(() => fillTemplate(builtinTemplate('simple') ?? new Map(), 'simple', wrong)).toThrow(
      "Field 'nope' does not exist",
    );
  });
});

describe('datapoints', () => {
  it('takes the last column and the row number where no axes are given', () => {
    const points = datapointsOf('loss.csv', new Map([['loss.csv', loss]]), new Map(), 'main');
    expect([points?.properties.get('x'), points?.properties.get('y')]).toEqual(['step', 'acc']);
    expect([...(points?.rows[1] ?? [])]).toEqual([
      ['step', 1],
      ['loss', '0.5'],
      ['acc', '0.4'],
      ['rev', 'main'],
      ['filename', 'loss.csv'],
      ['field', 'acc'],
    ]);
  });

  it('joins lists of a mapping row by row and passes over what is no table', () => {
    const content = toSpec({
      a: [{ q: 1 }, { q: 2 }],
      b: { c: [{ r: 3 }, { r: 4 }] },
      d: [1, 2],
      e: [{ s: 1 }, { t: 2 }],
      f: [],
    });
    const points = datapointsOf('x.json', new Map([['x.json', content]]), new Map([['y', 'r']]), 'main');
    expect(points?.rows.map((row) => [row.get('q'), row.get('r'), row.has('s')])).toEqual([
      [1, 3, false],
      [2, 4, false],
    ]);
  });

  it('says which field is missing, and which files do not fit together', () => {
    const files = new Map<string, PyValue>([
      ['loss.csv', loss],
      ['short.csv', loss.slice(1)],
    ]);
    const show = (properties: Readonly<Record<string, PyValue>>) => () =>
      datapointsOf('p', files, new Map(Object.entries(properties)), 'main');
    expect(show({ y: new Map([['loss.csv', 'nope']]) })).toThrow(
      "Could not find provided field ('nope') in data fields ('step, loss, acc').",
    );
    expect(show({ x: new Map([['short.csv', 'step']]), y: new Map([['loss.csv', 'loss']]) })).toThrow(
      'They have to have same length.',
    );
    expect(show({ x: new Map([['loss.csv', ['step', 'acc']]]), y: new Map([['loss.csv', 'loss']]) })).toThrow(
      'Found 2 x and 1 y data sources.',
    );
  });

  it('has nothing to say about an empty file', () => {
    expect(datapointsOf('x.json', new Map([['x.json', []]]), new Map(), 'main')).toBeUndefined();
  });
});

describe('drawings', () => {
  const confusion = table('actual,predicted\n1,1\n1,2\n2,2\n10,10\n');

  it('draws every built-in template as one SVG element that is well-formed', () => {
    for (const name of templateNames) {
      const isConfusion = name.startsWith('confusion');
      const content = isConfusion
        ? contentOf({ 'c.csv': confusion }, { x: 'actual', y: 'predicted', title: 'A & <B>' }, ['workspace', 'main'])
        : contentOf({ 'loss.csv': loss }, { x: 'step', y: ['loss', 'acc'], title: 'A & <B>' }, ['workspace', 'main']);
      const svg = drawPlot(name, content)?.svg ?? '';
      expect(svg, name).toMatch(/^<svg [^>]*class="plot"/);
      expect(svg).toContain('A &amp; &lt;B&gt;');
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(tagsBalance(svg), name).toBe(true);
    }
  });

  it('counts pairs, in the order of numbers', () => {
    const svg = drawPlot('confusion', contentOf({ 'c.csv': confusion }, { x: 'actual', y: 'predicted' }))?.svg ?? '';
    const cells = [...svg.matchAll(/<title>actual: (\d+)\npredicted: (\d+)\n(\d+)<\/title>/g)].map((match) =>
      match.slice(1),
    );
    expect(cells.slice(0, 4)).toEqual([
      ['1', '1', '1'],
      ['2', '1', '0'],
      ['10', '1', '0'],
      ['1', '2', '1'],
    ]);
    const shares =
      drawPlot('confusion_normalized', contentOf({ 'c.csv': confusion }, { x: 'actual', y: 'predicted' }))?.svg ?? '';
    expect(shares).toContain('actual: 1\npredicted: 2\n0.50');
  });

  it('draws texts, gaps, one point, equal values, huge and tiny numbers', () => {
    const odd: PyValue[] = [
      '',
      'nan',
      'text',
      null,
      new PyFloat(Number.NaN),
      new PyFloat(Number.POSITIVE_INFINITY),
      '1e300',
      '-1e-300',
      10n ** 30n,
      true,
    ];
    const value = fc.oneof(
      fc.constantFrom(...odd),
      fc.double().map((number) => new PyFloat(number)),
      fc.integer(),
    );
    const row = fc.record({ x: value, y: value });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 12 }), fc.constantFrom(...templateNames), (rows, name) => {
        const data = rows.map(
          ({ x, y }): PyMap =>
            new Map([
              ['x', x],
              ['y', y],
            ]),
        );
        const svg = drawPlot(name, contentOf({ 'f.json': data }, { x: 'x', y: 'y' }))?.svg ?? '';
        expect(svg).not.toMatch(/="[^"]*(NaN|undefined|Infinity)/);
        expect(tagsBalance(svg)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('stays small where there are many points', () => {
    const rows = Array.from(
      { length: 50_000 },
      (_, i): PyMap => new Map<PyValue, PyValue>([['y', new PyFloat(Math.sin(i / 500))]]),
    );
    for (const name of ['linear', 'smooth', 'scatter']) {
      const svg = drawPlot(name, contentOf({ 'f.json': rows }, { y: 'y' }))?.svg ?? '';
      expect(svg.length, name).toBeLessThan(3_000_000);
    }
  });

  it("draws a user's template by its kind of mark, or says that it cannot", () => {
    const content = contentOf({ 'loss.csv': loss }, { x: 'step', y: 'loss' });
    const layered = toSpec({ layer: [{ mark: { type: 'area' } }] }) as PyMap;
    expect(drawPlot(layered, content)?.approximate).toBe(true);
    expect(drawPlot(toSpec({ mark: 'geoshape' }) as PyMap, content)).toBeUndefined();
    expect(drawPlot(toSpec({}) as PyMap, content)).toBeUndefined();
  });
});

describe('scales and smoothing', () => {
  it('puts every value into the range, between round ticks', () => {
    const number = fc.double({ min: -1e12, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), (numbers) => {
        const values = numbers.map((item) => new PyFloat(item));
        const scale = linearScale(values, { from: 0, to: 100, ticks: 5 });
        for (const item of values) {
          const at = scale.at(item) ?? Number.NaN;
          expect(at).toBeGreaterThanOrEqual(-1e-6);
          expect(at).toBeLessThanOrEqual(100 + 1e-6);
        }
        expect(scale.ticks.length).toBeGreaterThanOrEqual(2);
        expect(scale.ticks.length).toBeLessThanOrEqual(9);
      }),
    );
  });

  it('gives categories equal bands', () => {
    const scale = bandScale(['a', 'b'], 0, 100);
    expect([scale.at('a'), scale.at('b'), scale.at('c'), scale.band]).toEqual([25, 75, undefined, 50]);
  });

  it('leaves a straight line straight', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 60 }), fc.integer({ min: -5, max: 5 }), (count, slope) => {
        const line = Array.from({ length: count }, (_, x): [number, number] => [x, slope * x + 3]);
        for (const [x, y] of loess(line, 0.4)) expect(y).toBeCloseTo(slope * x + 3, 6);
      }),
    );
  });
});

describe('pages', () => {
  it('cannot be left by what a plot says', () => {
    const spec = new Map<PyValue, PyValue>([
      ['title', '</script><b>'],
      ['n', new PyFloat(Number.NaN)],
      ['text', 'NaN'],
    ]);
    const page = renderPage({
      title: '<x>',
      items: [{ kind: 'drawing', id: '<y>', svg: undefined, remark: '<z>', spec }],
    });
    expect(page).not.toMatch(/<\/script><b>|<x>|<y>|<z>/);
    const json = /<script type="application\/json" id="spec-0">(.*?)<\/script>/.exec(page)?.[1] ?? '';
    expect(JSON.parse(json)).toEqual({ title: '</script><b>', n: null, text: 'NaN' });
  });

  it("fills a user's page, which must have a place for the plots", () => {
    const content = { title: 't', items: [] };
    expect(renderPage(content, '<head>{scripts}{refresh_tag}</head>{plot_divs}')).toContain('<main class="plots">');
    expect(() => renderPage(content, '<html></html>')).toThrow("HTML template has to contain '{plot_divs}'.");
  });
});

/** True when each element that is opened is closed in its order. */
function tagsBalance(markup: string): boolean {
  const open: string[] = [];
  for (const match of markup.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    const [, closing, name = '', empty] = match;
    if (empty === '/') continue;
    if (closing !== '/') open.push(name);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0;
}
