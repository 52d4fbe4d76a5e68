import { describe, expect, it } from 'vitest';

import { isCleanText } from './encoding.ts';
import { hasPureWords, scriptJudge } from './script.ts';

/** Real texts, with what looks like mojibake and is none. */
const sentences = [
  'Voilà un café à « Paris » : où est l’œuvre ?',
  'C’est l’été… appelé\u00A0«\u00A0X\u00A0» à\u00A0« Y »',
  'CAFÉ… À LA CARTE, VOILÀ “FIN”',
  'Größe, Maß… „Spaß“ und STRASSE – ÄÖÜ',
  'AMANHÃ… IRMÃ” NÃO É MAÇÃ',
  'El niño comió 20°C, ¿qué? ¡NIÑO! 5 µm ± 2 €',
  'Zażółć gęślą jaźń, Příliš žluťoučký kůň',
  'Tiếng Việt: đường, ưu, Ơn',
  'Blåbærsyltetøy på Ærø, Ångström, ÅÅ',
  'Съешь ещё этих мягких французских булок, Сёмга и Рёв',
  'Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία',
  '日本語のテキスト、カタカナ',
  '한국어 문장입니다',
  'هذا نص عربي',
  'זה טקסט בעברית',
  'हिन्दी में पाठ',
  'emoji 😀 👩‍👩‍👧 ✓ → ½ ™',
  'plain ASCII, ~ and {}',
];

describe('a clean text', () => {
  it('is any text of any language, and a tab or a line end is none of its faults', () => {
    expect(sentences.filter((text) => !isCleanText(text))).toEqual([]);
    expect(isCleanText('a\tb\r\nc')).toBe(true);
  });

  it('is not what UTF-8 becomes that is read as windows-1252, Latin 1 or Latin 9', () => {
    for (const encoding of ['windows-1252', 'latin1', 'iso-8859-15']) {
      const read = (text: string): string =>
        encoding === 'latin1'
          ? Buffer.from(text).toString('latin1')
          : new TextDecoder(encoding).decode(Buffer.from(text));
      const texts = sentences.filter((text) => /\P{ASCII}/u.test(text));
      expect(texts.map(read).filter(isCleanText), encoding).toEqual([]);
    }
    for (const text of [
      'cafÃ©',
      'voilÃ\u00A0',
      'donâ€™t',
      '20Â°C',
      'Â£5',
      'ï»¿id',
      'ðŸ˜€',
      'â‚¬',
      'Ã‰cole',
      'SCHÃ–N',
    ]) {
      expect(isCleanText(text), text).toBe(false);
    }
  });

  it('is not what windows-1251 and Mac OS Roman make of it', () => {
    const cyrillic = sentences.filter((text) => /[А-я]{3}/.test(text));
    expect(cyrillic.length).toBeGreaterThan(0);
    const read = (text: string, encoding: string): string => new TextDecoder(encoding).decode(Buffer.from(text));
    expect(cyrillic.map((text) => read(text, 'windows-1251')).filter(isCleanText)).toEqual([]);
    expect(['café', 'Größe', 'niño', 'Ærø'].map((text) => read(text, 'macintosh')).filter(isCleanText)).toEqual([]);
  });

  it('has no replacement characters, controls, halves of pairs, or byte order marks', () => {
    for (const text of ['caf\uFFFD', 'a\0', 'a\u0085b', '\uD83D', '\uDE00x', 'a\uFEFFb', '\u001B[31m', 'x\uFFFF']) {
      expect(isCleanText(text), JSON.stringify(text)).toBe(false);
    }
  });
});

describe('scripts', () => {
  it('are those of the letters; digits, marks and signs are of none', () => {
    const latin = scriptJudge(['Latin'], 'x');
    expect(['Größe 5 µ€ — «x» 😀', 'e\u0301', '123', ''].filter((text) => !latin(text))).toEqual([]);
    expect(['Привет', 'aα', '日本', 'pаypal'].filter(latin)).toEqual([]);
    expect(scriptJudge(['latin', 'cyrillic'], 'x')('Hi Привет')).toBe(true);
    expect(scriptJudge(['Japanese'], 'x')('日本語のカタカナー')).toBe(true);
    expect(scriptJudge(['Jpan'], 'x')('한국어')).toBe(false);
    expect(scriptJudge(['old italic'], 'x')('𐌀')).toBe(true);
    expect(scriptJudge(['Cyrl'], 'x')('Я')).toBe(true);
  });

  it('that Unicode does not know are refused, with one like it', () => {
    expect(() => scriptJudge(['Cyrilic'], 'name')).toThrow(
      expect.objectContaining({ code: 'bad_settings', hint: expect.stringContaining('Cyrillic') as string }),
    );
    expect(() => scriptJudge(['x}|.*'], 'name')).toThrow("'x}|.*' is no script");
  });

  it('are not mixed in a word, but in a text', () => {
    expect(
      [...sentences, 'Hello мир', 'Привет, world', 'ﷲ', '東京タワー', '한자漢字'].filter((t) => !hasPureWords(t)),
    ).toEqual([]);
    expect(['pаypal', 'Моsсоw', 'ѕсоpе test', 'Αpple', 'a漢'].filter(hasPureWords)).toEqual([]);
    expect(hasPureWords('𐌀𐌁')).toBe(true);
  });
});
