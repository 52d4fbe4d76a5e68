import { describe, expect, it } from 'vitest';

import { memoryTree } from '../../git/index.ts';
import { readSettings } from './settings.ts';

function settings(text: string): ReturnType<typeof readSettings> {
  return readSettings(memoryTree({ 'mlops.yaml': text }));
}

describe('mlops.yaml', () => {
  it('may be absent or empty', () => {
    const expected = { record: { enabled: true, experiment: undefined, join: false, maxFileSize: 10_485_760 } };
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

  it.each([
    ['recrod: {}', "unknown key 'recrod'", "did you mean 'record'?"],
    ['record: {experimant: x}', "unknown key 'experimant' in record", "did you mean 'experiment'?"],
    ['record: {join: maybe}', 'record.join is true or false', undefined],
    ['record: {max_file_size: 1.5}', 'record.max_file_size is a number of bytes, got 1.5', undefined],
    ['[1]', 'the file is not a mapping', undefined],
  ])('refuses %s', (text, message, hint) => {
    expect(() => settings(text)).toThrow(
      expect.objectContaining({ code: 'bad_config', message: expect.stringContaining(message), hint }),
    );
  });
});
