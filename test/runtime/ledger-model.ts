// The ledger as it should be, as simple as possible: every block and every context is in a Map, and the peak is a copy of all
// contexts, made whenever the live bytes reach a new maximum. The runtime must agree with it after any operations.

import type { Context } from '../support/runtime-module.ts';

interface Block {
  path: string;
  size: number;
  born: number;
}

export class LedgerModel {
  readonly blocks = new Map<number, Block>();
  readonly #contexts = new Map<string, Context>();
  #peak = new Map<string, { objects: number; bytes: number }>();
  #last = 0;
  allocObjects = 0;
  allocBytes = 0;
  liveBytes = 0;
  peakBytes = 0;
  peakObjects = 0;

  #context(path: string): Context {
    let context = this.#contexts.get(path);
    if (!context) {
      context = {
        ...{
          path,
          allocObjects: 0,
          allocBytes: 0,
          liveObjects: 0,
          liveBytes: 0,
          peakObjects: 0,
          peakBytes: 0,
        },
        ...{ temporaryObjects: 0, temporaryBytes: 0, lifetime: 0 },
      };
      this.#contexts.set(path, context);
    }
    return context;
  }

  allocate(path: string, address: number, size: number): void {
    const context = this.#context(path);
    this.allocObjects++;
    this.allocBytes += size;
    this.liveBytes += size;
    context.allocObjects++;
    context.allocBytes += size;
    context.liveObjects++;
    context.liveBytes += size;
    this.blocks.set(address, { path, size, born: this.allocBytes });
    this.#last = address;
    if (this.liveBytes > this.peakBytes) {
      this.peakBytes = this.liveBytes;
      this.peakObjects = this.blocks.size;
      this.#peak = new Map(
        [...this.#contexts].map(([k, c]) => [k, { objects: c.liveObjects, bytes: c.liveBytes }]),
      );
    }
  }

  free(address: number): void {
    const block = this.blocks.get(address)!;
    const context = this.#context(block.path);
    this.blocks.delete(address);
    this.liveBytes -= block.size;
    context.liveObjects--;
    context.liveBytes -= block.size;
    context.lifetime += this.allocBytes - block.born;
    if (address === this.#last) {
      context.temporaryObjects++;
      context.temporaryBytes += block.size;
    }
  }

  /** All contexts that ever allocated, with their shares of the peak and the age of live blocks. */
  contexts(): Map<string, Context> {
    const result = new Map<string, Context>();
    for (const [path, context] of this.#contexts) {
      let age = 0;
      if (context.liveObjects) {
        for (const block of this.blocks.values())
          if (block.path === path) age += this.allocBytes - block.born;
      }
      const peak = this.#peak.get(path);
      result.set(path, {
        ...context,
        lifetime: context.lifetime + age,
        peakObjects: peak?.objects ?? 0,
        peakBytes: peak?.bytes ?? 0,
      });
    }
    return result;
  }
}
