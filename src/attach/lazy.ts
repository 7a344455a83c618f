// attach() for programs that may never call it: its code is loaded at the first call.

import { loadViews } from '../sandbox/index.ts';
import type { Attach } from './attach.ts';

type Parameters = [never, never, never];

async function loaded(): Promise<Attach> {
  const [{ attach }] = await Promise.all([import('./attach.ts'), loadViews()]);
  return attach;
}

/** Attaches to a module that other JavaScript runs. */
export const attach = Object.assign(async (...args: Parameters) => (await loaded())(...args), {
  bytes: async (...args: Parameters) => (await loaded()).bytes(...args),
}) as Attach;
