// Opens sandboxes, makes profiles of all kinds, and disposes of the sandboxes. Prints how many bytes outside of V8's
// heap were allocated for them, and how many of these bytes are still held after one request with `gc=1`.

import { pprofFetch } from '../../../src/serve/index.ts';
import { loadService } from '../../support/served.ts';

let open: Awaited<ReturnType<typeof loadService>>[] = [];
const handler = pprofFetch({ sandboxes: () => open });
const ask = async (name: string): Promise<void> => {
  const answer = await handler(new Request(`http://localhost/debug/pprof/${name}`));
  await answer.arrayBuffer();
};
const external = (): number => process.memoryUsage().external;

await ask('heap?gc=1');
const before = external();
const use = async (): Promise<number> => {
  for (let i = 0; i < 60; i++) open.push(await loadService());
  for (const lib of open) lib.exports.contexts(5);
  for (const name of ['heap', 'heap?debug=1', 'leaks', 'peak', 'delta_heap', '']) await ask(name);
  const taken = external() - before;
  for (const lib of open) lib.dispose();
  open = [];
  return taken;
};
const taken = await use();
await ask('heap?gc=1');
const held = external() - before;
console.log(JSON.stringify({ taken, held }));
