// Random programs with known wrong accesses against a model of all blocks. Each of the functions touches memory in its
// own way, and goes wrong once. The model knows every block that was ever handed out, so it knows which byte is the first
// one that must not be touched, and which blocks a report may name for it. Nothing right is reported.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type HeapFault, loadC, type Sandbox } from '../../src/index.ts';
import { FULL } from '../support/full.ts';
import { randomFrom } from '../support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-access-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** How a function touches memory. A size of 0 is as many bytes as its second parameter says. */
interface Way {
  readonly text: string;
  readonly size: number;
  readonly writes: boolean;
}

const scalar = (bits: number): Way[] => [
  { text: `sink += ((struct w${bits} *)p)->v`, size: bits / 8, writes: false },
  { text: `((struct w${bits} *)p)->v = (uint${bits}_t)n`, size: bits / 8, writes: true },
];
const WAYS: readonly Way[] = [
  ...[8, 16, 32, 64].flatMap(scalar),
  { text: 'vsink += ((struct w128 *)p)->v', size: 16, writes: false },
  { text: '((struct w128 *)p)->v = vsink', size: 16, writes: true },
  { text: 'memset(p, 7, n)', size: 0, writes: true },
  { text: 'memcpy(p, aside, n)', size: 0, writes: true },
  { text: 'memcpy(aside, p, n)', size: 0, writes: false },
  { text: 'memmove(p, aside, n)', size: 0, writes: true },
  { text: 'for (int i = 0; i < n; i++) p[i] = 3', size: 0, writes: true },
];
const FUNCTIONS = 330;
/** Bytes that a range may have. */
const MOST = 64;
const HEAD = [
  '#include <stdint.h>',
  '#include <string.h>',
  'volatile uint64_t sink; typedef uint8_t v128 __attribute__((vector_size(16))); v128 vsink; static char aside[64];',
  ...[8, 16, 32, 64].map((bits) => `struct w${bits} { uint${bits}_t v; } __attribute__((packed));`),
  'struct w128 { v128 v; } __attribute__((packed));',
];
const way = (index: number): Way => WAYS[index % WAYS.length]!;
const SOURCE = [
  ...HEAD,
  ...Array.from(
    { length: FUNCTIONS },
    (_, at) =>
      `__attribute__((noinline)) void t${at}(volatile char *q, int n) { char *p = (char *)q; ${way(at).text}; }`,
  ),
  '',
].join('\n');

interface Block {
  readonly address: number;
  readonly size: number;
  freed: boolean;
}

const bytes = (count: number): string => `${count.toLocaleString('en-US')} byte${count === 1 ? '' : 's'}`;

/** All blocks that were ever handed out. None is used again, because all that are freed wait. */
class Model {
  readonly blocks: Block[] = [];

  add(address: number, size: number): void {
    for (const each of this.blocks) {
      expect(address + size <= each.address || address >= each.address + each.size).toBe(true);
    }
    this.blocks.push({ address, size, freed: false });
  }

  live(): Block[] {
    return this.blocks.filter(({ freed }) => !freed);
  }

  /** The first of these bytes that belongs to no block in use; null when all do. */
  firstBad(address: number, size: number): number | null {
    for (let at = address; at < address + size; at += 1) {
      const owner = this.blocks.find((each) => at >= each.address && at < each.address + each.size);
      if (owner === undefined || owner.freed) return at;
    }
    return null;
  }

  /** What a report may say of a bad byte: its block, or the nearest ones, those in use before those that were freed. */
  positions(bad: number): { readonly kind: string; readonly positions: readonly string[] } {
    const inside = this.blocks.find((each) => bad >= each.address && bad < each.address + each.size);
    if (inside !== undefined) {
      const position = `${bytes(bad - inside.address)} into a freed block of ${bytes(inside.size)}`;
      return { kind: 'heap-use-after-free', positions: [position] };
    }
    // A freed block is closed up to the end of its last granule, as in AddressSanitizer.
    const granule = this.blocks.find(
      (each) => each.freed && bad >= each.address && bad < each.address + Math.ceil(each.size / 8) * 8,
    );
    if (granule !== undefined) {
      const position = `${bytes(bad - granule.address - granule.size)} past the end of a block of ${bytes(granule.size)}`;
      return { kind: 'heap-use-after-free', positions: [position] };
    }
    const beside = this.blocks.map((block) => {
      const past = bad - (block.address + block.size);
      const distance = past >= 0 ? past : block.address - bad;
      const side = past >= 0 ? 'past the end of' : 'before';
      return {
        distance,
        freed: block.freed,
        isNear: past >= 0 ? distance < LEAST_REDZONE : distance <= LEAST_REDZONE,
        position: `${bytes(distance)} ${side} a block of ${bytes(block.size)}`,
      };
    });
    const near = beside.filter((each) => each.isNear);
    const inUse = near.filter(({ freed }) => !freed);
    const asked = inUse.length > 0 ? inUse : near;
    const least = Math.min(...asked.map(({ distance }) => distance));
    const nearest = asked.filter(({ distance }) => distance <= least);
    // The next block, when it is in use, comes before a freed one that is nearer. It may lie behind its whole room.
    const next =
      inUse.length > 0 ? [] : beside.filter((each) => !each.freed && each.distance <= MOST_REDZONE);
    return {
      kind: 'heap-buffer-overflow',
      positions: [...nearest, ...next].map(({ position }) => position),
    };
  }
}

/** Every block has at least so many bytes on both sides that belong to nobody. */
const LEAST_REDZONE = 16;
/** Small blocks have at most so many, because sizes are rounded up. */
const MOST_REDZONE = 32;

type Functions = Record<string, (address: number, count: number) => void>;

function play(lib: Sandbox<Functions>, faults: HeapFault[], random: (n: number) => number): number {
  const model = new Model();
  const { heap, exports } = lib;
  let wrong = 0;
  const allocate = (): void => {
    const size = random(40) === 0 ? random(20_000) : random(4) === 0 ? random(600) : random(41);
    model.add(heap.malloc(size), size);
  };
  const touch = (index: number, address: number, size: number): HeapFault[] => {
    const before = faults.length;
    exports[`t${index}`]!(address, size);
    return faults.slice(before);
  };
  /** A place that is right for an access of so many bytes. */
  const right = (index: number): void => {
    const size = way(index).size || 1 + random(MOST);
    const large = model.live().filter((each) => each.size >= size);
    if (large.length === 0) return;
    const block = large[random(large.length)]!;
    expect(touch(index, block.address + random(block.size - size + 1), size)).toEqual([]);
  };
  const goWrong = (index: number): void => {
    const { writes } = way(index);
    const size = way(index).size || 1 + random(MOST);
    const block = model.blocks[random(model.blocks.length)]!;
    const start = block.freed
      ? block.address + random(block.size + 1)
      : random(3) === 0
        ? block.address - 1 - random(LEAST_REDZONE)
        : block.address + Math.max(0, block.size - random(size)) + (random(2) ? 0 : random(LEAST_REDZONE));
    const bad = model.firstBad(start, size);
    if (bad === null) return;
    const wanted = model.positions(bad);
    const [fault, ...more] = touch(index, start, size);
    const [file, line] = [fault?.frames[0]?.file, fault?.frames[0]?.line];
    const scalarLoop = way(index).text.startsWith('for');
    expect({
      kind: fault?.kind,
      access: fault?.access?.kind,
      size: scalarLoop ? size : fault?.access?.size,
      address: scalarLoop ? start : fault?.address,
      bad: fault?.access?.badAddress,
      place: [file, line, fault?.frames[0]?.function],
      // A loop may go from one kind of wrong memory into another.
      more: scalarLoop ? 0 : more.length,
    }).toEqual({
      kind: wanted.kind,
      access: writes ? 'write' : 'read',
      size,
      address: start,
      bad,
      place: [join(folder, 'model.c'), HEAD.length + 1 + index, `t${index}`],
      more: 0,
    });
    expect(wanted.positions).toContain(fault!.access!.position);
    expect(fault!.allocatedAt).not.toBe(null);
    wrong += 1;
  };
  for (let at = 0; at < 40; at += 1) allocate();
  for (let index = 0; index < FUNCTIONS; index += 1) {
    if (random(3) > 0) allocate();
    if (random(3) === 0) {
      const live = model.live();
      const block = live[random(live.length)]!;
      heap.free(block.address);
      block.freed = true;
    }
    for (let left = 3; left > 0; left -= 1) right(index + random(FUNCTIONS - index));
    goWrong(index);
  }
  return wrong;
}

it.each(FULL ? (['-O0', '-O1', '-O2'] as const) : (['-O0', '-O2'] as const))(
  'random programs at %s',
  async (level) => {
    writeFileSync(join(folder, 'model.c'), SOURCE);
    for (let round = 0; round < (FULL ? 40 : 1); round += 1) {
      const seed = Date.now() % 2 ** 31;
      const faults: HeapFault[] = [];
      using lib = await loadC<Functions>(join(folder, 'model.c'), {
        toolchain: 'clang',
        flags: [level, '-msimd128', '-w'],
        access: true,
        quarantine: 2 ** 28,
        hostFrames: 'off',
        onFault: (fault) => void faults.push(fault),
      });
      let wrong: number;
      try {
        wrong = play(lib, faults, randomFrom(seed));
      } catch (cause) {
        throw new Error(`The program with the seed ${seed} at ${level} is judged wrongly.`, { cause });
      }
      expect(wrong).toBeGreaterThan(FUNCTIONS / 2);
    }
  },
  120_000,
);
