import { describe, expect, it } from 'vitest';

import { memoryTree } from '../../git/index.ts';
import { readSettings } from './mlops-yaml.ts';

function settings(text: string): ReturnType<typeof readSettings> {
  return readSettings(memoryTree({ 'mlops.yaml': text }));
}

describe('mlops.yaml', () => {
  it('may be absent or empty', () => {
    const record = { enabled: true, experiment: undefined, join: false, maxFileSize: 10_485_760 };
    const expected = { record, signingKeys: [] };
    expect(readSettings(memoryTree({}))).toEqual(expected);
    expect(settings('')).toEqual(expected);
    expect(settings('record: {}')).toEqual(expected);
  });

  it('sets what it names', () => {
    expect(settings('record:\n  experiment: churn\n  join: true\n').record).toMatchObject({
      experiment: 'churn',
      join: true,
      enabled: true,
    });
  });

  it('names the keys whose signatures are trusted', () => {
    expect(settings('signing: {keys: [release.pub]}').signingKeys).toEqual(['release.pub']);
  });

  it.each([
    ['recrod: {}', "mlops.yaml:1: unknown key 'recrod'", "did you mean 'record'?"],
    ['record: {experimant: x}', "unknown key 'experimant' in record", "did you mean 'experiment'?"],
    ['record: {join: maybe}', "record.join: expected true or false, got 'maybe'", undefined],
    ['record: {max_file_size: x}', 'record.max_file_size: expected a number of at least 0', undefined],
    ['[1]', 'mlops.yaml:1: expected a mapping, got a list', undefined],
  ])('refuses %s', (text, message, hint) => {
    expect(() => settings(text)).toThrow(
      expect.objectContaining({ code: 'bad_config', message: expect.stringContaining(message), hint }),
    );
  });
});
