// Packages of npm, used through their public interface: once plainly in a process of its own, once with Heapline. Four
// run always; HEAPLINE_FULL=1 runs them all.

import { describe, expect, it, vi } from 'vitest';
import { type Sandbox, TimeoutError, UnsupportedModuleError } from '../../src/index.ts';
import { FULL } from '../support/full.ts';
import { fetchCase, npmCases, plainResult, type Used, useWithHeapline } from './npm-cases.ts';

describe.each(npmCases.filter(({ always }) => always || FULL))('$program', (each) => {
  const { count } = each;

  it('gives the same results as without Heapline, and its profile holds what is in use', async () => {
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
    expect(profile.comments.join()).toMatch(/malloc is function \d+, (exported as|named|recognised by)/);
    const sum = (at: number): number =>
      [...profile.samples()].reduce((all, { values }) => all + values[at]!, 0);
    expect([sum(1), sum(3)]).toEqual([allocBytes, inUseBytes]);
    const stacks = [...profile.samples()].map(({ frames }) => frames);
    expect(stacks.some((frames) => frames.some(({ language }) => language === 'js'))).toBe(true);
    if (each.program === 'sqlite-wasm') {
      // A call that JavaScript of the package makes is stopped, and the module works afterwards.
      const { keep } = module as Used & { keep: { exec(question: object): unknown } };
      const ask = (sql: string): unknown => keep.exec({ sql, returnValue: 'resultRows' });
      const endless =
        'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c';
      expect(() => sandbox.within({ timeout: 200 }, () => ask(endless))).toThrow(TimeoutError);
      expect(ask('select 7')).toEqual([[7]]);
      // The package's JavaScript has state of its own.
      expect(() => sandbox.snapshot()).toThrow(UnsupportedModuleError);
    }
    sandbox.dispose();
  });

  // SQLite's and QuickJS's own counters, and the totals with Heapline's allocator, are the oracle.
  it.runIf(count !== undefined || (FULL && each.again))(
    'gives the same when its own allocator is recorded only',
    async () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      const folder = await fetchCase(each);
      const recorded = await useWithHeapline(each, folder, { recordOnly: 'always' });
      const replaced = each.recordOnly
        ? recorded
        : await useWithHeapline(each, folder, { recordOnly: 'never' });
      expect(recorded.sandbox.heap.mode).toBe('record-only');
      expect(JSON.stringify(recorded.module.result)).toBe(JSON.stringify(replaced.module.result));
      if (count !== undefined) expect(recorded.module.used!()).toBe(count(recorded.sandbox));
      // How often they call realloc depends on malloc_usable_size(), in which allocators differ.
      const totals = ({ heap }: Sandbox<object>): number[] => {
        const { inUseBytes, inUseObjects } = heap.stats();
        return [inUseBytes, inUseObjects];
      };
      expect(totals(recorded.sandbox)).toEqual(totals(replaced.sandbox));
      recorded.sandbox.dispose();
      replaced.sandbox.dispose();
      warn.mockRestore();
    },
  );
});
