import { describe, expect, it } from 'vitest';

import { isMlopsError } from '../../base/index.ts';
import { memoryTree } from '../../git/index.ts';
import { openPipelineFile, parseYaml } from '../index.ts';

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isMlopsError(error)) return error.message;
    throw error;
  }
  return 'nothing';
}

describe('what a file of somebody else may ask for', () => {
  it('names the line of a foreach over more items than it may stand for, before they are made', () => {
    const items = Array.from({ length: 400_000 }, (_, i) => `- ${i}\n`).join('');
    const text = 'stages:\n  plain:\n    cmd: x\n  many:\n    foreach: ${xs}\n    do:\n      cmd: x ${item}\n';
    const tree = memoryTree({ 'dvc.yaml': text, 'params.yaml': `xs:\n${items}` });
    expect(refusal(() => openPipelineFile(tree, 'dvc.yaml')?.names())).toBe(
      "failed to resolve 'stages.many.foreach' in 'dvc.yaml', line 5: it stands for 400000 stages",
    );
  });

  it('makes twenty thousand stages, and refuses one more', () => {
    const text = (count: number): string =>
      `stages:\n  many:\n    foreach: [${Array.from({ length: count }, (_, i) => i).join(', ')}]\n    do:\n      cmd: x \${item}\n`;
    const names = (count: number): number =>
      openPipelineFile(memoryTree({ 'dvc.yaml': text(count) }), 'dvc.yaml')?.names().length ?? 0;
    expect(names(20_000)).toBe(20_000);
    expect(refusal(() => names(20_001))).toContain('line 3: it stands for 20001 stages');
  });

  it('counts the stages of a matrix by the same measure', () => {
    const axis = (count: number): string => `[${Array.from({ length: count }, (_, i) => i).join(', ')}]`;
    const names = (count: number): number => {
      const text = `stages:\n  many:\n    matrix:\n      x: ${axis(count)}\n      y: ${axis(100)}\n    cmd: x\n`;
      return openPipelineFile(memoryTree({ 'dvc.yaml': text }), 'dvc.yaml')?.names().length ?? 0;
    };
    expect(names(200)).toBe(20_000);
    expect(refusal(() => names(201))).toContain('it stands for 20100 stages');
  });

  it.each([
    ['folded text', `a: >\n${'  word word word\n'.repeat(300_000)}`],
    ['quotes', `a: '${"''".repeat(2_500_000)}\n'`],
    ['escapes', Array.from({ length: 300_000 }, (_, i) => `"k\\x20${i}": 1\n`).join('')],
  ])('does not read millions of characters of %s', (_, text) => {
    expect(refusal(() => parseYaml(text, 'params.yaml'))).toMatch(/'params\.yaml', line 1: [\d,]+ characters of YAML/);
  });

  it('reads as many of plain ones', () => {
    const text = Array.from({ length: 300_000 }, (_, i) => `key_number_${i}: value ${i}\n`).join('');
    expect(text.length).toBeGreaterThan(8_000_000);
    expect(parseYaml(text, 'params.yaml')).toHaveProperty('size', 300_000);
  });
});
