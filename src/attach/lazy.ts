// attach() for programs that may never call it: its code is loaded at the first call.

import type { Attach } from './attach.ts';

type Parameters = [never, never, never];

/** Attaches to a module that other JavaScript runs. */
export const attach = Object.assign(
  async (...args: Parameters) => (await import('./attach.ts')).attach(...args),
  { bytes: async (...args: Parameters) => (await import('./attach.ts')).attach.bytes(...args) },
) as Attach;
