// The linear memories of sandboxes that were disposed of go with V8's next collections. In a file, and so a process, of
// its own: what other tests leave to the collector would be in the figures.

import { expect, test, vi } from 'vitest';
import type { Sandbox } from '../../src/index.ts';
import { pprofFetch } from '../../src/serve/index.ts';
import { loadService, type Service } from './served.ts';

let open: Sandbox<Service>[] = [];

test('sandboxes that were disposed of leave no linear memory behind, whatever profiles were made of them', async () => {
  const handler = pprofFetch({ sandboxes: () => open });
  const ask = async (name: string): Promise<void> => {
    const answer = await handler(new Request(`http://localhost/debug/pprof/${name}`));
    await answer.arrayBuffer();
  };
  await ask('heap?gc=1');
  const before = process.memoryUsage().external;
  // In a function of its own, whose variables are gone afterwards.
  await (async () => {
    for (let i = 0; i < 60; i++) open.push(await loadService());
    for (const lib of open) lib.exports.contexts(5);
    for (const name of ['heap', 'heap?debug=1', 'leaks', 'peak', 'delta_heap', '']) await ask(name);
    expect(process.memoryUsage().external - before).toBeGreaterThan(60 * 2 ** 20);
    for (const lib of open) lib.dispose();
    open = [];
  })();
  await vi.waitFor(
    async () => {
      await ask('heap?gc=1');
      expect(process.memoryUsage().external - before).toBeLessThan(6 * 2 ** 20);
    },
    { timeout: 30_000 },
  );
}, 60_000);
