// Stack trees: equal stacks are one node, stacks of other trees are adopted, and objects show their stacks as frames.

import { expect, test } from 'vitest';
import { StackTree, stackOf, withOtherStacks, withStacks, withStacksIn } from '../../src/frames/index.ts';
import { LeakReport } from '../../src/report/index.ts';
import { frame, record } from '../support/sample-report.ts';

const main = frame('main', 'a.c:9');
const walk = frame('walk', 'a.c:3');
const leaf = frame('leaf', 'a.c:1');

test('equal stacks are one node, whether or not their frames are the same objects', () => {
  const tree = new StackTree();
  const stack = tree.push([leaf, walk, main]);
  expect(tree.push([{ ...leaf }, { ...walk }, { ...main }])).toBe(stack);
  expect(tree.push([leaf], tree.push([walk, main]))).toBe(stack);
  expect(tree.push([{ ...leaf, column: 7 }, walk, main])).not.toBe(stack);
  expect(stack.frames()).toEqual([leaf, walk, main]);
});

test('a caller has a lower number than its callees', () => {
  const tree = new StackTree();
  for (const frames of [[leaf, main], [leaf, walk, main], [walk], [leaf, walk]]) {
    for (let at = tree.push(frames); at.depth > 0; at = at.caller) expect(at.caller.id).toBeLessThan(at.id);
  }
});

test('a stack of another tree becomes the equal stack of this tree', () => {
  const [one, other] = [new StackTree(), new StackTree()];
  const own = one.push([leaf, walk, main]);
  expect(one.adopt(own)).toBe(own);
  expect(one.adopt(other.push([leaf, walk, main]))).toBe(own);
  const deeper = one.adopt(other.push([walk, leaf, walk, main]));
  expect(deeper.caller).toBe(own);
  expect(deeper.tree).toBe(one);
});

test('a deep stack is adopted without recursion, and shared parts once', () => {
  const [one, other] = [new StackTree(), new StackTree()];
  let stack = other.push([main]);
  for (let depth = 0; depth < 100_000; depth++) stack = other.push([walk], stack);
  const adopted = one.adopt(stack);
  expect(adopted.depth).toBe(100_001);
  expect(one.adopt(stack.caller)).toBe(adopted.caller);
});

test('an object whose stacks are in the tree stays itself, another one is copied', () => {
  const [tree, other] = [new StackTree(), new StackTree()];
  const inside = withStacks({ size: 1 }, { frames: tree.push([leaf, main]), freedAt: null });
  expect(withStacksIn(tree, inside, ['frames', 'freedAt'])).toBe(inside);
  const outside = withStacks({ size: 2 }, { frames: other.push([leaf, main]), freedAt: other.push([walk]) });
  const copy = withStacksIn(tree, outside, ['frames', 'freedAt']);
  expect(copy).not.toBe(outside);
  expect(stackOf(copy, 'frames')).toBe(stackOf(inside, 'frames'));
  expect({ ...copy }).toEqual({ size: 2, frames: [leaf, main], freedAt: [walk] });
  expect(stackOf(outside, 'frames').tree).toBe(other);
});

test('the stacks of a report are in one tree, whoever made its parts', () => {
  const table = new StackTree();
  const report = new LeakReport({
    records: [
      record([leaf, walk, main]),
      withOtherStacks(record([]), { frames: table.push([leaf, walk, main]) }),
    ],
    errors: [
      {
        kind: 'double-free',
        address: 8,
        block: null,
        frames: [leaf, main],
        allocatedAt: [walk, main],
        freedAt: null,
      },
    ],
    failedAllocations: [{ count: 1, smallest: 1, largest: 1, frames: [walk, main] }],
    known: [record([walk, main], { kind: 'possible' })],
    suppressed: [{ record: record([leaf, main]), suppression: 'leak:leaf' }],
  });
  const [fault] = report.errors;
  const walked = stackOf(report.failedAllocations[0]!, 'frames');
  expect(walked.tree).toBe(report.stacks);
  expect(stackOf(report.records[0]!, 'frames')).toBe(stackOf(report.records[1]!, 'frames'));
  expect(stackOf(report.records[0]!, 'frames').caller).toBe(walked);
  expect(stackOf(fault!, 'allocatedAt')).toBe(walked);
  expect(stackOf(report.known![0]!, 'frames')).toBe(walked);
  expect(stackOf(report.suppressed[0]!.record, 'frames')).toBe(stackOf(fault!, 'frames'));
  const again = report.with({ notes: ['more'] });
  expect(again.stacks).toBe(report.stacks);
  expect(again.records[0]).toBe(report.records[0]);
});
