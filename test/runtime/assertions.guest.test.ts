// The assertions inside the runtime's operations (csrc/debug.h): each level notices what it is for, at the operation that
// meets the damage, and names the condition. The shipped objects go on there without a word.

import { describe, expect, it } from 'vitest';
import { layout as L } from '../../src/runtime/index.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';
import type { RuntimeBuild } from '../support/runtime-objects.ts';

/** The text of the assertion that failed; empty when none has. */
function assertionOf(runtime: Runtime): string {
  const address = runtime.call('heapline_test_assertion');
  if (address === 0) return '';
  const bytes = runtime.bytes(address, 400);
  return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
}

/** Bits of the last word of a free block's metadata above which the index of the next free block is. */
const NEXT_FREE_SHIFT = 20;

interface Case {
  readonly name: string;
  /** Damages the heap. */
  readonly damage: (runtime: Runtime) => void;
  /** Meets the damage. */
  readonly meet: (runtime: Runtime) => void;
  readonly text: RegExp;
}

const cases: readonly Case[] = [
  {
    name: 'a free list that leads out of its span',
    damage: (runtime) => {
      const block = runtime.call('malloc', 48);
      const { metadata } = runtime.blocks().get(block)!;
      runtime.call('free', block);
      const word = metadata + L.BLOCK_SERIAL;
      runtime.setU32(word, ((runtime.u32(word) & 0xfffff) | (0x7ff << NEXT_FREE_SHIFT)) >>> 0);
    },
    meet: (runtime) => {
      runtime.call('malloc', 48);
      runtime.call('malloc', 48);
    },
    text: /^allocate\.c:\d+: index < span->blocks/,
  },
  {
    name: 'an account that has freed all it allocated',
    damage: (runtime) => {
      runtime.enterCall(1, 0x10);
      const blocks = [1, 2, 3].map(() => runtime.call('malloc', 24));
      const { context } = runtime.blocks().get(blocks[2]!)!;
      const account = runtime.u32(context + L.NODE_LINK) - L.NODE_LINK_ACCOUNT;
      runtime.setU32(account + L.ACCOUNT_FREED_OBJECTS, runtime.u32(account + L.ACCOUNT_ALLOC_OBJECTS));
    },
    meet: (runtime) => {
      const [last] = [...runtime.blocks().keys()].slice(-1);
      runtime.call('free', last!);
    },
    text: /^ledger\.c:\d+: \(u32\)account->alloc_objects != account->freed_objects/,
  },
  {
    name: 'a sentinel of the shadow stack that is not the root',
    damage: (runtime) => {
      runtime.call('malloc', 8);
      runtime.setU32(
        runtime.shadow + L.SLOT_NODE,
        runtime.u32(runtime.base + L.RUNTIME_FIRST_CHUNK) + L.CHUNK_ENTRIES + L.NODE_SIZE,
      );
    },
    meet: (runtime) => {
      runtime.enterCall(2, 0x20);
      runtime.setU32(runtime.shadow + L.SLOT_SIZE + L.SLOT_NODE, 0);
      runtime.call('malloc', 8);
    },
    text: /^context\.c:\d+: .*rt\.root_node/,
  },
  {
    name: 'memory that is said to be zero and is not',
    damage: (runtime) => {
      runtime.call('malloc', 64);
      const free = runtime.memory.buffer.byteLength - 8192;
      runtime.bytes(free - 40_000, 40_000).fill(0x55);
    },
    meet: (runtime) => {
      for (let i = 0; i < 30; i++) runtime.call('calloc', 1, 8192);
    },
    text: /^allocate\.c:\d+: .*hl_is_zero/,
  },
  {
    name: 'totals that the contexts do not add up to',
    damage: (runtime) => {
      const block = runtime.call('malloc', 64);
      runtime.setU32(runtime.base + L.RUNTIME_ALLOC_BYTES, runtime.runtime(L.RUNTIME_ALLOC_BYTES) + 16);
      runtime.setU32(runtime.base + L.RUNTIME_FREED_BYTES, runtime.runtime(L.RUNTIME_FREED_BYTES) + 8);
      runtime.call('free', block);
    },
    meet: (runtime) => {
      for (let i = 0; i < 1000; i++) runtime.call('free', runtime.call('malloc', 64));
    },
    text: /^interface\.c:\d+: hl_is_valid_now\(\)/,
  },
];

async function meetDamage({ damage, meet }: Case, build: RuntimeBuild): Promise<Runtime> {
  const runtime = await Runtime.open('wasi', {}, build);
  damage(runtime);
  meet(runtime);
  return runtime;
}

describe('the highest level of assertions', () => {
  it.each(cases)('notices $name', async (each) => {
    const runtime = await Runtime.open('wasi', {}, 'debug');
    each.damage(runtime);
    expect(assertionOf(runtime)).toBe('');
    expect(() => each.meet(runtime)).toThrow(WebAssembly.RuntimeError);
    expect(assertionOf(runtime)).toMatch(each.text);
  });

  it.each(cases)('is what notices $name: without assertions the operation goes on', async (each) => {
    await meetDamage(each, 'hooks');
  });

  it.each(flavours)('finds nothing in a program of random operations: %s', async (flavour) => {
    const runtime = await Runtime.open(flavour, {}, 'debug');
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const held: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      const depth = 1 + random(6);
      for (let at = 1; at <= depth; at++) runtime.enterCall(at, 1 + random(5) + 8 * at);
      const size = random(10) === 0 ? random(60_000) : random(700);
      const kind = random(held.length > 400 ? 9 : 6);
      if (kind < 2) held.push(runtime.call('malloc', size));
      else if (kind < 3) held.push(runtime.call('calloc', 1, size));
      else if (kind < 4) held.push(runtime.call('aligned_alloc', 16 << random(9), size));
      else if (held.length > 0) {
        const at = random(held.length);
        if (kind < 5) held[at] = runtime.call('realloc', held[at]!, size + 1);
        else runtime.call('free', held.splice(at, 1)[0]!);
      }
    }
    for (const block of held) runtime.call('free', block);
    expect(assertionOf(runtime)).toBe('');
    expect(runtime.faults).toEqual([]);
    expect(runtime.liveObjects).toBe(0);
  });
});
