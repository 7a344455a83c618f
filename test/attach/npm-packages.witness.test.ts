// Packages of npm, used through their public interface: once plainly in a process of its own, once with Heapline. Four
// run always; HEAPLINE_FULL=1 runs them all.

import { describe, expect, it } from 'vitest';
import { FULL } from '../support/full.ts';
import { fetchCase, npmCases, plainResult, useWithHeapline } from './npm-cases.ts';

describe.each(npmCases.filter(({ always }) => always || FULL))('$program', (each) => {
  it('gives the same results as without Heapline, and its profile holds what is in use', async () => {
    const { count } = each;
    const folder = await fetchCase(each);
    const { module, sandbox } = await useWithHeapline(each, folder);
    expect(JSON.stringify(module.result)).toBe(await plainResult(each, folder));
    if (count !== undefined) expect(module.used!()).toBe(count(sandbox));
    const { heap } = sandbox;
    expect(heap.faults()).toEqual([]);
    expect(heap.failures()).toEqual([]);
    const { inUseBytes, allocBytes, allocObjects } = heap.stats();
    expect(allocObjects).toBeGreaterThan(2);
    const profile = heap.profile();
    expect(profile.comments.join()).toMatch(/malloc is function \d+, (exported as|recognised by)/);
    const sum = (at: number): number =>
      [...profile.samples()].reduce((all, { values }) => all + values[at]!, 0);
    expect([sum(1), sum(3)]).toEqual([allocBytes, inUseBytes]);
    const stacks = [...profile.samples()].map(({ frames }) => frames);
    expect(stacks.some((frames) => frames.some(({ language }) => language === 'js'))).toBe(true);
    sandbox.dispose();
  });
});
