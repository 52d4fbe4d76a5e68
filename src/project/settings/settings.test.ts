import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';

import { describeSettings, parseSettings, setting, type SettingOf } from '../index.ts';

const { fields, required, optional } = setting;

const mail = {
  host: required(setting.text(), { about: 'server' }),
  password_env: optional(setting.environment(), { about: 'variable' }),
};
const kind = fields({
  version: required(setting.exactly(1), { about: 'of the format' }),
  every: optional(setting.duration(), { about: 'between two looks', fallback: 21_600_000 }),
  models: optional(
    setting.mapOf(fields({ level: optional(setting.number({ above: 0, max: 1 }), { about: 'chance' }) })),
    {
      about: 'by name',
    },
  ),
  channels: optional(setting.listOf(setting.variants('type', { smtp: mail, file: {} })), { about: 'where to' }),
  values: optional(setting.listOf(setting.scalar(), { min: 1 }), { about: 'allowed' }),
  than: optional(setting.either(setting.integer(), setting.choice(['Production', 'Staging'])), { about: 'other' }),
});

const read = (text: string): SettingOf<typeof kind> =>
  parseSettings({ file: 'monitor.yaml', text, docs: 'docs/x.md' }, kind);

function refusal(text: string): { code?: string; message: string; hint?: string; exit?: number; data?: unknown } {
  try {
    return { message: `read: ${JSON.stringify(read(text))}` };
  } catch (error) {
    return error as Error;
  }
}

describe('a settings file', () => {
  it('gives what it holds, typed, with what stands for absent keys', () => {
    const found = read(
      'version: 1\nmodels: {7: {level: 0.5}}\nchannels: [{type: smtp, host: a}, {type: file}]\nvalues: [a, 1, 2.5, 2020-01-01]\nthan: Production\n',
    );
    expect(found).toEqual({
      version: 1,
      every: 21_600_000,
      models: new Map([['7', { level: 0.5 }]]),
      channels: [{ type: 'smtp', host: 'a', password_env: undefined }, { type: 'file' }],
      values: ['a', 1, 2.5, '2020-01-01'],
      than: 'Production',
    });
    expectTypeOf(found.every).toEqualTypeOf<number>();
    expectTypeOf(found.than).toEqualTypeOf<number | 'Production' | 'Staging' | undefined>();
    expect(['500ms', '30s', '15m', '6h', '7d', '2w'].map((every) => read(`version: 1\nevery: ${every}`).every)).toEqual(
      [500, 30_000, 900_000, 21_600_000, 604_800_000, 1_209_600_000],
    );
  });

  it.each([
    ['version: 1\nmodel: {}\n', "monitor.yaml:2: unknown key 'model'", "did you mean 'models'?"],
    [
      'version: 1\nmodels:\n  a:\n    leval:\n      x: 1\n',
      "monitor.yaml:4: unknown key 'leval' in models.a",
      "did you mean 'level'?",
    ],
    [
      'version: 1\nmodels: {a: {level: 0}}',
      'models.a.level: expected a number above 0, up to 1, got 0',
      'docs/x.md describes the keys',
    ],
    ['version: 2', 'version: expected 1, got 2', 'docs/x.md describes the keys'],
    ['every: 6h', "'version' is missing", 'version: 1'],
    [
      'version: 1\nevery: 6 hours',
      "every: expected a time such as 30s, 15m, 6h or 7d, got '6 hours'",
      'docs/x.md describes the keys',
    ],
    [
      'version: 1\nthan: Prodution',
      "than: expected a whole number, or Production or Staging, got 'Prodution'",
      'docs/x.md describes the keys',
    ],
    ['version: 1\nvalues: []', 'values: expected at least 1 items, got 0', 'docs/x.md describes the keys'],
    [
      'version: 1\nchannels:\n- type: smpt',
      "monitor.yaml:3: channels[0].type: expected smtp or file, got 'smpt'",
      "did you mean 'smtp'?",
    ],
    [
      'version: 1\nchannels:\n- {type: smtp, host: 5}',
      'channels[0].host: expected a text, got 5',
      'write it in quotes: "5"',
    ],
    [
      'version: 1\nchannels: [{type: smtp, host: a, password: geheim}]',
      "unknown key 'password' in channels[0]",
      'secrets stay out of files: name an environment variable in password_env',
    ],
    ['version: 1\nversion: 1\n', 'duplicate key "version"', undefined],
    ['', "'version' is missing", 'version: 1'],
  ])('that is wrong is refused with its line: %j', (text, message, hint) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: 'bad_settings', message: expect.stringContaining(message) });
    expect(error.hint).toBe(hint);
  });

  it('tells all that is wrong at once, and no secret', () => {
    const error = refusal(
      'version: 1\nevry: 1h\nvalues: 3\nchannels: [{type: smtp, host: a, password_env: "top secret"}]\n',
    );
    expect(error.message.split('\n')).toEqual([
      "monitor.yaml:2: unknown key 'evry' (did you mean 'every'?)",
      'monitor.yaml:4: channels[0].password_env: expected the name of an environment variable, got something else (the value itself stays out of the file)',
      'monitor.yaml:3: values: expected a list of text, a number, true or false, got 3',
    ]);
    expect(error.data).toMatchObject({
      file: 'monitor.yaml',
      line: 2,
      problems: [{ key: 'evry' }, {}, { key: 'values', line: 3 }],
    });
  });

  it('of any content is read or refused, never worse', () => {
    const words = fc.constantFrom(
      'version',
      ': ',
      '1',
      '\n',
      '  ',
      '- ',
      'models',
      '{',
      '}',
      '[',
      ']',
      'type',
      'smtp',
      ', ',
      '&a',
      '*a',
      '"',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), (parts) => {
        const { code, message } = refusal(parts.join(''));
        return code === 'bad_settings' || message.startsWith('read: ');
      }),
    );
  });

  it('describes itself', () => {
    expect(describeSettings(kind).map(({ key, takes }) => `${key}: ${takes}`)).toEqual([
      'version: 1',
      'every: a time such as 30s, 15m, 6h or 7d',
      'models: a mapping from NAME',
      'models.NAME.level: a number above 0, up to 1',
      'channels: a list of mapping with type: smtp or file',
      'channels[](smtp).host: a text',
      'channels[](smtp).password_env: the name of an environment variable',
      'values: a list of text, a number, true or false',
      'than: a whole number, or Production or Staging',
    ]);
  });
});
