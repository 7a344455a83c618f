// Progress: as a line for people, and what becomes of an error that a callback throws.

import { describe, expect, test } from 'vitest';
import { type Progress, whileTelling } from '../../src/options/progress.ts';
import { progressText } from '../../src/options/progress-text.ts';

describe('progressText()', () => {
  test.each<[Progress, string]>([
    [{ step: 'compile', detail: 'a.c', done: 0, total: 1 }, 'compiling a.c'],
    [{ step: 'compile', detail: 'b.c', done: 1, total: 3 }, 'compiling b.c (2 of 3)'],
    [{ step: 'link' }, 'linking'],
    [{ step: 'graft', detail: 'a.wasm' }, 'putting the runtime into a.wasm'],
    [{ step: 'instrument' }, 'instrumenting the module'],
  ])('%j is "%s"', (progress, text) => {
    expect(progressText(progress)).toBe(text);
  });
});

describe('whileTelling()', () => {
  const wrong = new Error('of the callback');
  const told = ({ step }: Progress): void => {
    if (step === 'link') throw wrong;
  };

  test('goes on after an error of the callback, and throws the first one at the end', async () => {
    let ended = false;
    const work = whileTelling(told, async (tell) => {
      tell({ step: 'link' });
      await null;
      ended = true;
    });
    await expect(work).rejects.toBe(wrong);
    expect(ended).toBe(true);
  });

  test('passes on the result and the failure of the work', async () => {
    const result = await whileTelling(told, async (tell) => {
      tell({ step: 'compile' });
      return 5;
    });
    expect(result).toBe(5);
    const failure = new Error('of the work');
    await expect(whileTelling(told, () => Promise.reject(failure))).rejects.toBe(failure);
  });
});
