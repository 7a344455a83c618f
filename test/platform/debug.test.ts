import { afterEach, describe, expect, test, vi } from 'vitest';
import type * as Debug from '../../src/platform/debug.ts';

/** The module as a process with this HEAPLINE_DEBUG has it, and the lines that it prints. */
async function withVariable(value: string | undefined): Promise<typeof Debug & { printed: string[] }> {
  vi.resetModules();
  vi.stubEnv('HEAPLINE_DEBUG', value);
  const printed: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((line) => void printed.push(line));
  return { ...(await import('../../src/platform/debug.ts')), printed };
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('HEAPLINE_DEBUG', () => {
  test.each([
    [undefined, []],
    ['', []],
    ['cache', ['cache']],
    ['entries, instrument', ['instrument', 'entries']],
    ['*', ['instrument', 'entries', 'wrappers', 'cache']],
  ])('%j asks for %j', async (value, parts) => {
    const { DEBUG_PARTS, debugs, printed } = await withVariable(value);
    const all = Object.keys(DEBUG_PARTS) as (keyof typeof DEBUG_PARTS)[];
    expect(all.filter(debugs)).toEqual(parts);
    expect(printed).toEqual([]);
  });

  test('a name that is no part is reported once, and the other names count', async () => {
    const { debugs, printed } = await withVariable('cahce,entries');
    expect([debugs('cache'), debugs('entries'), debugs('instrument')]).toEqual([false, true, false]);
    expect(printed).toEqual([
      "heapline: HEAPLINE_DEBUG names 'cahce', which is no part of Heapline. Its parts are instrument, entries, wrappers, cache, and * for all of them.",
    ]);
  });

  test('lines begin with their part', async () => {
    const { debug, printed } = await withVariable('cache');
    debug('cache', 'has the module');
    expect(printed).toEqual(['heapline:cache has the module']);
  });

  test('where there is no process nothing is printed', async () => {
    const { debugs, printed } = await withVariable('*');
    vi.stubGlobal('process', undefined);
    try {
      expect(debugs('cache')).toBe(false);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(printed).toEqual([]);
  });
});
