// Packages of npm with checks of their accesses: their results are those of plain runs, and no access is wrong. Two run
// always; HEAPLINE_FULL=1 runs them all.

import { describe, expect, it } from 'vitest';
import { FULL } from '../support/full.ts';
import { fetchCase, npmCases, plainResult, useWithHeapline } from './npm-cases.ts';

const chosen = npmCases.filter(({ checked }) => checked === true || (FULL && checked !== null));

describe.each(chosen)('$program', (each) => {
  it('gives the same results with checks, and has no fault', async () => {
    const folder = await fetchCase(each);
    const { module, sandbox } = await useWithHeapline(each, folder, { checks: true });
    expect(JSON.stringify(module.result)).toBe(await plainResult(each, folder));
    expect(sandbox.heap.faults()).toEqual([]);
    expect(sandbox.heap.stats().allocObjects).toBeGreaterThan(2);
    sandbox.dispose();
  });
});
