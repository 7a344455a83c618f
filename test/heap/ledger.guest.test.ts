// Reading the ledger: complete, consistent with itself, fast on large trees, and never misled by damaged memory.

import { beforeAll, expect, test } from 'vitest';
import { Ledger, layout, readSnapshot } from '../../src/heap/index.ts';
import { CorruptLedgerError, loadC, MissingRuntimeError, type Sandbox } from '../../src/index.ts';
import { ownTime } from '../support/own-time.ts';

const source = new URL('tree.c', import.meta.url).pathname;
const fresh = (): Promise<Sandbox> =>
  loadC(source, { toolchain: 'clang', flags: ['-O1'], hostFrames: 'off' });
const sum = (column: Float64Array): number => column.reduce((a, b) => a + b, 0);

let lib: Sandbox;
beforeAll(async () => {
  lib = await fresh();
  lib.exports.tree!(15);
  lib.exports.prune!();
});

test('the columns of a snapshot add up to the totals', () => {
  const snapshot = lib.heap.snapshot();
  const { totals } = snapshot;
  expect(snapshot.count).toBe(totals.contexts);
  expect(snapshot.count).toBeGreaterThan(65_000);
  expect(sum(snapshot.allocObjects)).toBe(totals.allocObjects);
  expect(sum(snapshot.allocBytes)).toBe(totals.allocBytes);
  expect(sum(snapshot.liveObjects)).toBe(totals.liveObjects);
  expect(sum(snapshot.liveBytes)).toBe(totals.liveBytes);
  expect(sum(snapshot.peakObjects)).toBe(totals.peakObjects);
  expect(sum(snapshot.peakBytes)).toBe(totals.peakBytes);
  expect(totals.peakBytes).toBeGreaterThan(totals.liveBytes);
});

test('parents come before their children, and every stack leads to the root', () => {
  const { parent, count, node } = lib.heap.snapshot();
  expect(parent[0]).toBe(-1);
  for (let i = 1; i < count; i++) if (!(parent[i]! >= 0 && parent[i]! < i)) throw new Error(`context ${i}`);
  expect(lib.heap.contextFrames(node[count - 1]!).map((frame) => frame.function)).toContain('tree');
});

test('the blocks in use are those that the contexts count', () => {
  const snapshot = lib.heap.snapshot();
  const bytes = new Map<number, number>();
  let objects = 0;
  for (const block of lib.heap.blocks()) {
    expect(block.capacity).toBeGreaterThanOrEqual(block.size);
    bytes.set(block.context, (bytes.get(block.context) ?? 0) + block.size);
    objects++;
  }
  expect(objects).toBe(snapshot.totals.liveObjects);
  const expected = new Map<number, number>();
  for (let i = 0; i < snapshot.count; i++) {
    if (snapshot.liveBytes[i]! > 0) expected.set(snapshot.node[i]!, snapshot.liveBytes[i]!);
  }
  expect(bytes).toEqual(expected);
});

test('temporary blocks are counted beyond 32 bits', async () => {
  using lib = await fresh();
  const churn = (): void => lib.heap.free(lib.heap.malloc(8));
  // Twice, because the first block of a context is in no account yet.
  churn();
  churn();
  const words = new Uint32Array(lib.memory.buffer);
  const before = lib.heap.snapshot();
  const index = before.temporaryObjects.indexOf(2);
  const node = before.node[index]!;
  const account = (words[(node + layout.NODE_LINK) / 4]! - layout.NODE_LINK_ACCOUNT) / 4;
  expect(words[account + layout.ACCOUNT_TEMPORARY_OBJECTS / 4]).toBe(2);
  // The account now says that there were so many blocks of 8 bytes before.
  words[account + layout.ACCOUNT_TEMPORARY_OBJECTS / 4] = 2 ** 32 - 1;
  const runtime = words.indexOf(layout.MAGIC);
  words[account + layout.ACCOUNT_ALLOC_OBJECTS / 4 + 1]! += 1;
  words[account + layout.ACCOUNT_ALLOC_BYTES / 4 + 1]! += 8;
  words[runtime + layout.RUNTIME_ALLOC_OBJECTS / 4 + 1]! += 1;
  words[runtime + layout.RUNTIME_ALLOC_BYTES / 4 + 1]! += 8;
  churn();
  churn();
  const after = lib.heap.snapshot();
  expect(after.temporaryObjects[index]).toBe(2 ** 32 + 1);
  expect(after.temporaryBytes[index]).toBe(32);
});

test('a memory without the runtime, or with another version of it, is rejected', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  for (const address of [0, 1024, 1022, 65_530, 1e9, -4, Number.NaN]) {
    expect(() => new Ledger(memory, address, 0), String(address)).toThrow(MissingRuntimeError);
  }
  new Uint32Array(memory.buffer).set([layout.MAGIC, layout.ABI_VERSION + 1], 256);
  expect(() => new Ledger(memory, 1024, 0)).toThrow(/version/);
});

test('a ledger that the guest has written over gives an error or numbers, never a crash or a hang', async () => {
  const { node } = lib.heap.snapshot();
  let refused = 0;
  for (let i = 1; i < 12; i++) {
    const victim = await fresh();
    victim.exports.tree!(8);
    const nodes = victim.heap.snapshot().node.filter((address) => address !== 0);
    victim.exports.scribble!(nodes[(i * 37) % nodes.length]! - (i % 3) * 64, 8 * i);
    for (const use of [
      () => victim.heap.snapshot(),
      () => [...victim.heap.blocks()],
      () => victim.heap.profile(),
    ]) {
      try {
        use();
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptLedgerError);
        refused++;
      }
    }
    victim.dispose();
  }
  expect(refused).toBeGreaterThan(5);
  expect(node.length).toBe(lib.heap.stats().contexts);
});

test.each([
  ['of nodes', 'RUNTIME_FIRST_CHUNK'],
  ['of buds', 'RUNTIME_FIRST_BUD_CHUNK'],
  ['of spans', 'RUNTIME_FIRST_SPAN_CHUNK'],
] as const)('a list %s that leads back to itself is an error, soon', async (_, list) => {
  const victim = await fresh();
  victim.exports.tree!(13);
  const words = new Uint32Array(victim.memory.buffer);
  const link = (address: number): number => (address + layout.CHUNK_NEXT) / 4;
  let last = words[words.indexOf(layout.MAGIC) + layout[list] / 4]!;
  while (words[link(last)] !== 0) last = words[link(last)]!;
  words[link(last)] = last;
  const read = () =>
    list === 'RUNTIME_FIRST_SPAN_CHUNK' ? [...victim.heap.blocks()] : victim.heap.snapshot();
  expect(ownTime(() => expect(read).toThrow(CorruptLedgerError))).toBeLessThan(10_000);
  victim.dispose();
});

/** The address of an account that has allocated. */
function accountIn(words: Uint32Array, nodes: Iterable<number>): number {
  for (const node of nodes) {
    if (node === 0 || words[(node + layout.NODE_SITE) / 4]! >>> 30 === layout.SITE_BUD >>> 30) continue;
    const link = words[(node + layout.NODE_LINK) / 4]!;
    if ((link & layout.NODE_LINK_ACCOUNT) !== 0) return link - layout.NODE_LINK_ACCOUNT;
  }
  throw new Error('no account');
}

test('stats and marks reject sums that contradict the totals, and accept them when they are right again', async () => {
  using victim = await fresh();
  victim.exports.tree!(8);
  victim.exports.tree!(8);
  const words = new Uint32Array(victim.memory.buffer);
  const at = (accountIn(words, victim.heap.snapshot().node) + layout.ACCOUNT_ALLOC_BYTES) / 4;
  const right = victim.heap.stats();
  words[at]! ^= 1 << 7;
  for (const ask of ['stats', 'mark', 'snapshot', 'leaks', 'profile'] as const) {
    expect(() => victim.heap[ask](), ask).toThrow(CorruptLedgerError);
  }
  expect(() => [...victim.heap.blocks()]).toThrow(CorruptLedgerError);
  expect(() => victim.heap.scope(() => {})).toThrow(CorruptLedgerError);
  expect(() => victim.heap.growth(() => {}, { runs: 2 })).toThrow(CorruptLedgerError);
  words[at]! ^= 1 << 7;
  expect(victim.heap.stats()).toEqual(right);
});

test('with very many contexts stats compares the sums again after a while, and stays cheap', async () => {
  using victim = await fresh();
  victim.exports.tree!(14);
  const words = new Uint32Array(victim.memory.buffer);
  expect(victim.heap.stats().contexts).toBeGreaterThan(60_000);
  const shot = victim.heap.snapshot();
  const bud = shot.node.find(
    (node) => words[(node + layout.NODE_SITE) / 4]! >>> 30 === layout.SITE_BUD >>> 30,
  )!;
  words[(bud + layout.BUD_BYTES) / 4]! += 1;
  expect(() => victim.heap.snapshot()).toThrow(CorruptLedgerError);
  const asked = performance.now();
  let refused = false;
  while (!refused && performance.now() - asked < 60_000) {
    try {
      victim.heap.stats();
    } catch (error) {
      expect(error).toBeInstanceOf(CorruptLedgerError);
      refused = true;
    }
  }
  expect(refused).toBe(true);
});

test('a trap in the check is a CorruptLedgerError, and takes nothing of the stack of the guest', async () => {
  const link = ['-Wl,-z,stack-size=65536'];
  using victim = await loadC(source, { toolchain: 'clang', flags: ['-O1'], hostFrames: 'off', link });
  victim.exports.tree!(6);
  const words = new Uint32Array(victim.memory.buffer);
  const image = words.slice();
  const runtime = words.indexOf(layout.MAGIC);
  const right = victim.heap.stats();
  for (let i = 0; i < 1000; i++) {
    words[runtime + layout.RUNTIME_FIRST_BUD_CHUNK / 4] = 0xffffffc0;
    expect(() => victim.heap.stats()).toThrow(CorruptLedgerError);
    expect(() => victim.heap.leaks()).toThrow(CorruptLedgerError);
    words.set(image);
  }
  expect(victim.heap.stats()).toEqual(right);
});

test('readSnapshot reads the same by address', () => {
  const memory = lib.memory;
  const words = new Uint32Array(memory.buffer);
  const at = words.indexOf(layout.MAGIC);
  expect(readSnapshot(memory, at * 4).allocBytes).toEqual(lib.heap.snapshot().allocBytes);
});
