// One check for all members of a structure: as less and less of the structure lies within its block, each member is
// reported when its first byte leaves it, at its own line, with its own size and direction.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadC, type Sandbox } from '../../src/index.ts';

interface Member {
  readonly text: string;
  readonly offset: number;
  readonly size: number;
  readonly writes: boolean;
}

const read = (name: string, offset: number, size: number): Member => ({
  text: `sink += w->${name};`,
  offset,
  size,
  writes: false,
});
const write = (name: string, offset: number, size: number): Member => ({
  text: `w->${name} = 1;`,
  offset,
  size,
  writes: true,
});

const SIZE = 56;
const STRUCTURE = `struct wide { char a, b; short c; int d; long long e; float f; char g, h; short i;
                      double j; int k; short l; char m, n; long long o, p; };`;
/** What the functions do, one line for each access. */
const FUNCTIONS: Readonly<Record<string, readonly Member[]>> = {
  pair: [read('e', 8, 8), write('d', 4, 4)],
  three: [write('p', 48, 8), read('n', 39, 1), read('j', 24, 8)],
  all: [
    ...[read('a', 0, 1), write('p', 48, 8), read('c', 2, 2), read('d', 4, 4), write('e', 8, 8)],
    ...[read('g', 20, 1), read('f', 16, 4), write('i', 22, 2), read('j', 24, 8), write('k', 32, 4)],
    ...[read('l', 36, 2), write('m', 38, 1), read('n', 39, 1), write('o', 40, 8), write('h', 21, 1)],
    write('b', 1, 1),
  ],
};

const BLOCK = 1024;
const folder = mkdtempSync(join(tmpdir(), 'heapline-merged-'));
const source = join(folder, 'merged.c');
const lines = [STRUCTURE.replace(/\n\s*/, ' '), 'volatile double sink;'];
const lineOf = new Map<Member, number>();
for (const [name, members] of Object.entries(FUNCTIONS)) {
  lines.push(`void ${name}(volatile struct wide *w) {`);
  for (const member of members) lineOf.set(member, lines.push(member.text));
  lines.push('}');
}
writeFileSync(source, lines.join('\n'));

let lib: Sandbox<Record<string, (address: number) => void>>;
beforeAll(async () => {
  lib = await loadC(source, { flags: ['-O2', '-w'], checks: true });
}, 60_000);
afterAll(() => {
  lib?.[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

it.each(Object.keys(FUNCTIONS))('names the members that are outside: %s', (name) => {
  const members = FUNCTIONS[name]!;
  const known = new Set<Member>();
  for (let inside = SIZE; inside >= 0; inside -= 1) {
    // The structure begins at a multiple of 8, and the block ends within it.
    const block = lib.heap.malloc(BLOCK - SIZE + inside);
    const start = block + BLOCK - SIZE;
    const before = lib.heap.faults().length;
    lib.exports[name]!(start);
    const seen = lib.heap
      .faults()
      .slice(before)
      .map(({ kind, address, access, frames }) => ({
        kind,
        offset: address - start,
        size: access!.size,
        direction: access!.kind,
        bad: access!.badAddress - start,
        line: frames[0]!.line,
      }));
    const outside = members.filter((each) => each.offset + each.size > inside && !known.has(each));
    expect(seen).toEqual(
      outside.map((each) => ({
        kind: 'heap-buffer-overflow',
        offset: each.offset,
        size: each.size,
        direction: each.writes ? 'write' : 'read',
        bad: Math.max(each.offset, inside),
        line: lineOf.get(each),
      })),
    );
    for (const each of outside) known.add(each);
  }
  expect(known.size).toBe(members.length);
});
