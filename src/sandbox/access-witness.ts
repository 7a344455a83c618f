// What the host finds out about a wrong access while it happens. The engine knows the stack of the access, also in
// functions that call nothing and so keep no slot. The runtime's context knows what lies outside of the guest.

import { lastAtMost } from '../algorithms/binary-search.ts';
import type { MemoryAround } from '../frames/index.ts';
import type { RawAccess } from '../heap/index.ts';
import { currentGuestStack } from '../host/index.ts';
import type { InstrumentedModule } from '../instrument/index.ts';
import * as layout from '../runtime/layout.ts';
import type { AccessWitness } from './heap-events.ts';

/** Bytes that are shown before and after the line of a wrong access. */
const LINE = 16;
const LINES_AROUND = 2;

/** The witness of one guest. */
export class GuestAccessWitness implements AccessWitness {
  #starts: readonly number[] | null = null;

  constructor(
    readonly instrumented: InstrumentedModule,
    readonly memory: { readonly buffer: ArrayBufferLike },
  ) {}

  /** The sites of the access and of the calls around it, then those of the context from the host's entry on. */
  pathOf({ site }: RawAccess, context: readonly number[]): readonly number[] {
    const { offsets } = currentGuestStack();
    const sites = offsets.map((offset) => this.instrumented.offsets.toOriginal(offset));
    // The functions of the runtime that judge the access come first.
    const body = this.#bodyOf(site);
    const own = sites.findIndex((each) => each !== null && this.#bodyOf(each) === body);
    // A function that was called through a pointer is judged by functions that were added, before it runs.
    const added = sites.indexOf(null);
    const start = own >= 0 ? own + 1 : added >= 0 ? added : sites.length;
    const callers = sites.slice(start).filter((each) => each !== null);
    const entry = context.findIndex((each) => each >= layout.SITE_HOST_FLAG);
    return [site, ...callers, ...(entry < 0 ? [] : context.slice(entry))];
  }

  #bodyOf(site: number): number {
    this.#starts ??= this.instrumented.bodies.map(({ start }) => start);
    return lastAtMost(this.#starts, site);
  }

  memoryAround(address: number): MemoryAround {
    const all = new Uint8Array(this.memory.buffer);
    const line = Math.floor(address / LINE) * LINE;
    const start = Math.max(0, line - LINES_AROUND * LINE);
    const end = Math.min(all.length, line + (LINES_AROUND + 1) * LINE);
    const usable = new Uint8Array(end - start);
    for (let at = start; at < end; at += 1) usable[at - start] = this.#isUsable(all, at) ? 1 : 0;
    return { address: start, bytes: all.slice(start, end), usable };
  }

  #isUsable(all: Uint8Array, address: number): boolean {
    const { shadow } = this.instrumented;
    if (shadow === null) return true;
    const value = all[shadow.base + Math.floor(address / layout.SHADOW_GRANULE)] ?? 0;
    return value === 0 || (value < layout.SHADOW_GRANULE && address % layout.SHADOW_GRANULE < value);
  }
}
