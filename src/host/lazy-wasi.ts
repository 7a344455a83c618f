// WASI for programs that may never need it: most modules of a page have JavaScript of their own.

import type { Guest, GuestOptions } from './guest.ts';
import type { openWasiGuest as open } from './wasi.ts';

/** Instantiates a module whose system interface, if it has one, is WASI. */
export async function openWasiGuest(
  module: WebAssembly.Module,
  options: GuestOptions,
  runtime: Parameters<typeof open>[2],
): Promise<Guest> {
  const wasi = await import('./wasi.ts');
  return wasi.openWasiGuest(module, options, runtime);
}
