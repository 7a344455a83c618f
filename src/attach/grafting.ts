// Grafting for modules that are compiled synchronously: its code, and in browsers the runtime's objects, are loaded
// beforehand, because nothing can be waited for then.

import { MissingRuntimeError } from '../errors.ts';
import type { Grafted, RecordOnly } from '../graft/index.ts';
import { platform } from '../platform/index.ts';

let room: typeof import('../graft/index.ts') | null = null;

/**
 * Loads what puts the runtime into modules that were linked without it. In browsers, wait for it before your code compiles
 * such a module synchronously, as `new WebAssembly.Module()` does. attach() loads it by itself in all other cases.
 */
export async function prepareGrafting(): Promise<void> {
  const [graft] = await Promise.all([import('../graft/index.ts'), platform().fetchRuntimeObjects?.()]);
  room = graft;
}

/** Grafts the runtime into a module, or a recorder. */
export function graftNow(bytes: Uint8Array, recordOnly: RecordOnly): Grafted {
  if (room !== null) return room.graftAs(recordOnly, bytes);
  throw new MissingRuntimeError(
    'The module was linked without the runtime and is compiled synchronously, so the runtime to graft in cannot be ' +
      'loaded in between: wait for prepareGrafting() of heapline/browser before the module is compiled.',
  );
}
