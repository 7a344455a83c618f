// One lost structure is one record, on every way to a report.

import { expect, test } from 'vitest';
import { formatText, loadC } from '../../src/index.ts';

const source = new URL('lifecycle/lost-tree.c', import.meta.url).pathname;
const load = () =>
  loadC<{ keep_root(): void; add_and_lose(): void }>(source, {
    toolchain: 'clang',
    flags: ['-O0'],
    hostFrames: 'off',
  });

test('the record of a tree whose nodes know their parent names its root', async () => {
  using lib = await load();
  lib.run();
  const report = lib.heap.leaks();
  expect(report.records).toHaveLength(1);
  const [record] = report.records;
  expect(record).toMatchObject({
    kind: 'definite',
    blocks: 1,
    bytes: 12,
    indirect: { blocks: 3, bytes: 36 },
  });
  expect(record!.frames.map((frame) => frame.function)).toEqual(['add', 'make_root', 'keep_root', 'main']);
  expect(record!.parts).toMatchObject([{ blocks: 3, bytes: 36, under: -1 }]);
  expect(record!.parts[0]!.frames.map((frame) => frame.function)).toEqual(['add', 'add_and_lose', 'main']);
  const child = record!.parts[0]!.sample!;
  expect(child.address, 'a child has the lower address').toBeLessThan(record!.sample!.address);
  expect(formatText(report, { tree: true })).toContain('48 bytes (12 direct, 36 indirect in 3 blocks)');
});

test('what hangs on a block from before a mark is indirectly lost, and a record of its own', async () => {
  using lib = await load();
  lib.exports.keep_root();
  const mark = lib.heap.mark();
  lib.exports.add_and_lose();
  // The child that was added last points to the others.
  expect(lib.heap.leaksSince(mark).records).toMatchObject([
    { kind: 'indirect', blocks: 1, bytes: 12, indirect: { blocks: 2, bytes: 24 } },
  ]);
  expect(lib.heap.leaks().records).toMatchObject([{ kind: 'definite', indirect: { blocks: 3, bytes: 36 } }]);
});
