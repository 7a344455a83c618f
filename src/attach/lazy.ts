// attach() for programs that may never call it: its code is loaded at the first call.

import { platform } from '../platform/index.ts';
import { loadViews, ownBytes } from '../sandbox/index.ts';
import type { Attach } from './attach.ts';

export { prepareGrafting } from './grafting.ts';

type Parameters = [never, never, never];

async function loaded(): Promise<Attach> {
  // Pages load views when they want to read structs.
  const views = platform().name === 'node' ? loadViews() : null;
  const [{ attach }] = await Promise.all([import('./attach.ts'), views]);
  return attach;
}

/** Attaches to a module that other JavaScript runs. */
export const attach = Object.assign(async (...args: Parameters) => (await loaded())(...args), {
  bytes: async (wasm: never, ...more: [never, never]) => {
    // The caller may go on to transfer its bytes.
    const own = ownBytes('wasm', wasm) ?? wasm;
    return (await loaded()).bytes(own, ...more);
  },
}) as Attach;
