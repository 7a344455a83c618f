// What the room says about frames, stacks and heap faults.

import { expect, test } from 'vitest';
import { HeapFaultError } from '../../src/errors.ts';
import {
  ALLOCATION_FAMILY,
  DROP_FRAMES,
  faultMessage,
  faultWords,
  frameText,
  type HeapFault,
  isBelow,
  position,
  REMOVABLE_ALLOCATORS,
  relativePath,
  shortPlace,
  stackOfFrames,
} from '../../src/frames/index.ts';
import { frame } from '../support/sample-report.ts';

test('a path is relative to a folder only when it is below it', () => {
  expect(relativePath('/home/app/src/a.c', '/home/app/')).toBe('src/a.c');
  expect(relativePath('/home/apple/a.c', '/home/app')).toBe('/home/apple/a.c');
  expect(relativePath('C:\\app\\src\\a.c', 'C:\\app')).toBe('src/a.c');
  expect(isBelow('/home/app/a.c', '/home/app')).toBe(true);
  expect(isBelow('/home/app', '/home/app')).toBe(false);
  expect(isBelow('/home/app/a.c', undefined)).toBe(false);
});

test('a place is as long as it is known', () => {
  expect(position(frame('f', '/a/b.c:3:4'), '/a')).toBe('b.c:3:4');
  expect(position(frame('f', '/a/b.c:3'))).toBe('/a/b.c:3');
  expect(position(frame('f', '/a/b.c'))).toBe('/a/b.c');
  expect(position(frame('f'))).toBe('');
  expect(frameText(frame('f', '/a/b.c:3', { inlined: true }), '/a')).toBe('f (b.c:3) [inlined]');
  expect(shortPlace(stackOfFrames([frame('f', '/a/b.c:3:4'), frame('main')]))).toBe(' in f (b.c:3)');
  expect(shortPlace(stackOfFrames([frame('f')]))).toBe(' in f');
  expect(shortPlace(stackOfFrames([]))).toBe('');
});

test('the expression of dropped frames names the whole allocation family and C++ operators, and nothing else', () => {
  const dropped = new RegExp(`^(?:${DROP_FRAMES})$`);
  for (const name of [...ALLOCATION_FAMILY, 'operator new', 'operator delete[]', '_Znwm', '__libc_malloc'])
    expect(dropped.test(name)).toBe(true);
  for (const name of ['strdup', 'my_malloc', 'malloc_all', 'operator new(', 'free_list'])
    expect(dropped.test(name)).toBe(false);
  expect(REMOVABLE_ALLOCATORS).toEqual([...ALLOCATION_FAMILY, 'strdup', 'strndup']);
});

test('an error about a heap fault is the fault, and its message shows all stacks', () => {
  const fault: HeapFault = {
    kind: 'double-free',
    address: 0x1040,
    block: { address: 0x1040, size: 64 },
    frames: [frame('twice', '/a.c:3'), frame('main', '/a.c:9')],
    allocatedAt: [frame('make', '/a.c:1')],
    freedAt: [frame('once', '/a.c:2')],
  };
  const error = new HeapFaultError(faultMessage(fault), fault);
  const { kind, address, block, frames, allocatedAt, freedAt } = error;
  expect({ kind, address, block, frames, allocatedAt, freedAt }).toEqual(fault);
  expect(error.message).toBe(`Pointer 0x1040 was freed twice
    at twice (/a.c:3)
    at main (/a.c:9)
  The block (64 bytes) was allocated
    at make (/a.c:1)
  It was freed first
    at once (/a.c:2)`);
});

test('every kind of heap fault has a title and a predicate of its own', () => {
  const words = Object.values(faultWords);
  expect(new Set(words.map(({ title }) => title)).size).toBe(words.length);
  expect(new Set(words.map(({ predicate }) => predicate)).size).toBe(words.length);
});
