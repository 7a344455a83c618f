// One check for all members of a structure: as less and less of the structure lies within its block, each member is
// reported when its first byte leaves it, at its own line, with its own size and direction. And one check for several
// pointers, which judges each of them.

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
/** Lines of functions that follow two pointers. */
const marked = new Map<string, number>();
for (const line of [
  'struct link { struct link *next; int value, more; };',
  'void join(struct link *first, struct link *second) { first->next = second; }',
  'void two(volatile struct link *p, volatile struct link *q) {',
  'p->value = 1; // two, first',
  'q->value = 2; // two, second',
  '}',
  'void follow(volatile struct link *p, volatile struct link *q) {',
  'p->value = 1; // follow, first',
  'q = q->next; // follow, second',
  'q->more = 2; // follow, third',
  'q->value = 3; // follow, fourth',
  '}',
  'int sum(const volatile char *p, const volatile char *q, int count) {',
  'int sum = 0;',
  'for (int i = 0; i < count; i++)',
  'sum += p[i] - // sum, first',
  'q[i]; // sum, second',
  'return sum;',
  '}',
]) {
  const number = lines.push(line);
  const mark = /\/\/ (.*)/.exec(line);
  if (mark !== null) marked.set(mark[1]!, number);
}
writeFileSync(source, lines.join('\n'));

let lib: Sandbox<Record<string, (...given: number[]) => number>>;
beforeAll(async () => {
  lib = await loadC(source, { flags: ['-O2', '-w'], checks: true });
});
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

/** The marks of the faults that a call has. */
function marksOf(name: string, ...given: number[]): string[] {
  const before = lib.heap.faults().length;
  lib.exports[name]!(...given);
  const lineNumbers = lib.heap
    .faults()
    .slice(before)
    .map(({ frames }) => frames[0]!.line);
  return [...marked].filter(([, line]) => lineNumbers.includes(line)).map(([mark]) => mark);
}

it('judges each pointer of a check by itself', () => {
  const malloc = (size: number) => lib.heap.malloc(size);
  const [whole, other] = [malloc(12), malloc(12)];
  // Each place is reported once, so the cases without faults come first.
  expect(marksOf('two', whole, other)).toEqual([]);
  expect(marksOf('two', malloc(4), other)).toEqual(['two, first']);
  expect(marksOf('two', whole, malloc(4))).toEqual(['two, second']);
  const freed = malloc(12);
  lib.heap.free(freed);
  expect(marksOf('two', freed, freed)).toEqual(['two, first', 'two, second']);

  expect(marksOf('sum', malloc(16), malloc(16), 16)).toEqual([]);
  expect(marksOf('sum', malloc(17), malloc(16), 17)).toEqual(['sum, second']);
  expect(marksOf('sum', malloc(16), malloc(17), 17)).toEqual(['sum, first']);
});

it('does not judge a pointer by the value that it had before', () => {
  const malloc = (size: number) => lib.heap.malloc(size);
  // A link without room for the members behind its pointer: only what it leads to may be judged by them.
  const [whole, short, next] = [malloc(12), malloc(4), malloc(12)];
  lib.exports.join!(short, next);
  expect(marksOf('follow', whole, short)).toEqual([]);
  lib.exports.join!(whole, short);
  expect(marksOf('follow', next, whole)).toEqual(['follow, third', 'follow, fourth']);
  expect(marksOf('follow', short, short)).toEqual(['follow, first']);
});
