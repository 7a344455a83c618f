// Views of structs in the memory of running C: what C wrote is what JavaScript reads.

import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidArgumentError, loadC, type Sandbox, StateError } from '../../src/index.ts';
import { FULL } from '../support/full.ts';
import { thrown } from '../support/guest-programs.ts';

const SHAPES = new URL('programs/shapes.c', import.meta.url);

const BUILDS = [
  { toolchain: 'clang', flags: ['-O0', '-gdwarf-4'] },
  { toolchain: 'embedded', flags: ['-O2', '-gdwarf-5'] },
  ...(FULL
    ? ([
        { toolchain: 'clang', flags: ['-O2', '-gdwarf-5'] },
        { toolchain: 'clang', flags: ['-O1', '-gdwarf-2'] },
        { toolchain: 'emscripten', flags: ['-O1'] },
      ] as const)
    : []),
] as const;

describe.each(BUILDS)('a view of a struct compiled by $toolchain with $flags', ({ toolchain, flags }) => {
  let lib: Sandbox;
  let call: Record<string, (...args: (number | bigint)[]) => number>;
  let name: number;
  beforeAll(async () => {
    lib = await loadC(SHAPES, { toolchain, flags });
    call = lib.exports as typeof call;
    name = lib.heap.cstring('näme');
  });
  afterAll(() => lib.dispose());

  test('has every field as C wrote it', () => {
    const pointer = call.make!(name, 6);
    const node = lib.view('struct node', pointer);
    expect(node).toMatchObject({
      next: pointer,
      name: 'näme',
      tag: '12345678',
      color: 6,
      ready: 1,
      level: 21,
      signed_bits: -3,
      wide_bits: -(2n ** 38n),
      big: -(2n ** 60n),
      unsigned_big: 2n ** 64n - 1n,
      raw: [
        [0, 0, 0],
        [0, 0, 200],
      ],
      opaque: 0x1234,
      flag: true,
      small: -1,
      byte: 255,
      half: 65535,
      ratio: 0.1,
      precise: -1.25,
      plane: [1, 2],
      gigantic: -(2n ** 100n),
    });
    expect(node.at).toMatchObject({ x: 1.5, y: -2 });
    expect(node.path.map((each: { x: number }) => each.x)).toEqual([0, 3]);
    expect(node.value).toMatchObject({ tag: 7, number: 42 });
    expect(node.unnamed.inner).toBe(-5);
    expect(lib.table.get(node.callback)).toBeTypeOf('function');
    expect(node.$address).toBe(pointer);
    expect(node.$type).toBe('struct node');
    expect(node.$pointer('name')).toBe(name);
    expect(node.$addressOf('at')).toBe(node.at.$address);
    expect(lib.view('point', node.$addressOf('at')).x).toBe(1.5);
  });

  test('is live: it follows what C writes', () => {
    const pointer = call.make!(name, 0);
    const node = lib.view('struct node', pointer);
    const { at } = node;
    call.paint!(pointer, 5);
    const moved = lib.heap.calloc(2, 4);
    lib.heap.bytes(moved, 4).set(new Uint8Array(new Float32Array([2]).buffer));
    const result = lib.heap.malloc(8);
    call.move!(result, pointer, moved, 10);
    expect(node.color).toBe(5);
    expect(at.x).toBe(21.5);
    expect(lib.view('struct point', result)).toMatchObject({ x: 21.5, y: -2 });
    // Growing replaces the memory's buffer.
    lib.memory.grow(1);
    expect(node.color).toBe(5);
  });

  test('reads unions, packed structs, and arrays at the end that have no length', () => {
    expect(lib.view('union both', call.both!(1.5))).toMatchObject({ real: 1.5, integer: 0x3fc00000 });
    expect(lib.view('struct packed', call.packed!())).toMatchObject({
      first: 'p'.charCodeAt(0),
      second: 0x12345678,
      third: true,
    });
    const tail = lib.view('struct tail', call.tail!(3));
    expect(tail.points.map((point: { y: number }) => point.y)).toEqual([0, -1, -2]);
    expect(lib.view('struct text', call.text!(name))).toMatchObject({ length: 5, characters: 'näme' });
  });

  test('gives the value itself for a type that is no record', () => {
    const pointers = lib.heap.calloc(2, 4);
    lib.heap.bytes(pointers, 4).set([name & 255, (name >> 8) & 255, (name >> 16) & 255, name >>> 24]);
    expect(lib.view('char *', pointers)).toBe('näme');
    expect(lib.view('void *', pointers)).toBe(name);
    expect(lib.view('char *[2]', pointers)).toEqual(['näme', null]);
    expect(lib.view('unsigned char[3]', name)).toEqual([0x6e, 0xc3, 0xa4]);
    expect(lib.view('char[3]', name)).toBe('nä');
    expect(lib.view('struct node[1]', call.make!(name, 5))[0].color).toBe(5);
    expect(lib.view('const struct node *', pointers)).toBe(name);
  });

  test('copies itself as JSON, and shows itself', () => {
    const node = lib.view('struct node', call.make!(name, 5));
    const copy = JSON.parse(JSON.stringify(node));
    expect(copy).toMatchObject({
      name: 'näme',
      big: '-1152921504606846976',
      wide_bits: -(2 ** 38),
      at: { x: 1.5 },
    });
    const shown = inspect(node, { depth: 4 });
    expect(shown).toMatch(/^struct node \{/);
    expect(shown).toContain('x: 1.5');
    expect(Object.keys(node.at)).toEqual(['x', 'y']);
  });

  test('says that its block was freed, also when the memory is used again', () => {
    const pointer = call.make!(name, 5);
    const node = lib.view('struct node', pointer);
    call.release!(pointer);
    expect(() => node.color).toThrow(StateError);
    expect(() => node.color).toThrow(
      /^struct node\.color cannot be read: its block of \d+ bytes at 0x\w+ was freed/,
    );
    expect(() => lib.view('struct node', pointer)).toThrow(
      /^The pointer to 'struct node' \(0x\w+\) points into a block that is freed\.$/,
    );
    expect(inspect(node)).toContain('was freed');
    const again: number[] = [];
    while (!again.includes(pointer) && again.length < 1000) again.push(call.make!(name, 0));
    expect(again).toContain(pointer);
    expect(() => node.color).toThrow(StateError);
    expect(lib.view('struct node', pointer).color).toBe(0);
    const large = lib.heap.malloc(2 ** 20);
    lib.heap.free(large);
    expect(() => lib.view('point', large + 2 ** 16)).toThrow('points into a block that is freed');
  });

  test('says that a text was freed, or has no end', () => {
    const gone = lib.heap.cstring('gone');
    const node = lib.view('struct node', call.make!(gone, 0));
    lib.heap.free(gone);
    expect(() => node.name).toThrow('cannot be read: its block is freed');
    const endless = lib.heap.malloc(16);
    lib.heap.bytes(endless, 16).fill(65);
    expect(() => lib.view('struct node', call.make!(endless, 0)).name).toThrow(
      'there is no zero byte before the end of its block',
    );
    expect(lib.view('struct node', call.make!(0, 0)).name).toBeNull();
  });

  test('reads no further than its block', () => {
    const part = lib.view('struct node', call.part!());
    expect(part.name).toBeNull();
    expect(() => part.ratio).toThrow(
      'struct node.ratio lies beyond the end of its block, which has 16 bytes.',
    );
    expect(() => lib.view('struct point[4]', lib.heap.malloc(16))).toThrow(
      'its block of 16 bytes ends before',
    );
  });

  test('reads memory outside of the heap, up to the end of memory', () => {
    expect(lib.view('struct node', call.the_global!())).toMatchObject({ name: null, color: 0 });
    const end = lib.memory.buffer.byteLength;
    expect(() => lib.view('struct node', end - 8)).toThrow(/does not fit at address/);
    expect(() => lib.view('struct node', -8)).toThrow(/does not fit at address 0xfffffff8/);
  });

  test('is refused for what is no pointer and no type, with advice', () => {
    const refused = (type: string, pointer: unknown): string => {
      const error = thrown(() => lib.view(type, pointer as number)) as Error;
      expect(error).toBeInstanceOf(InvalidArgumentError);
      return error.message;
    };
    expect(refused('struct node', 0)).toBe("The pointer to 'struct node' is NULL.");
    for (const pointer of [0.5, Number.NaN, '1', undefined, 2 ** 32]) {
      expect(refused('struct node', pointer)).toContain('view() takes a pointer, not');
    }
    expect(refused('struct nod', 8)).toContain("has no type 'struct nod'. Did you mean 'struct node'?");
    expect(refused('node', 8)).toContain("Did you mean 'struct node'?");
    expect(refused('union node', 8)).toContain("Did you mean 'struct node'?");
    expect(refused('struct opaque', 8)).toContain('is only declared in this module');
    expect(refused('*', 8)).toContain('is not the name of a type');
    expect(refused('void', 8)).toContain('has no value');
    expect(refused('point[9999999999]', 8)).toContain('larger than any memory');
    const node = lib.view('struct node', call.make!(name, 0));
    expect(() => node.$pointer('colour')).toThrow("struct node has no field 'colour'. Did you mean 'color'?");
    expect(() => node.$pointer('color')).toThrow('is not a pointer, but of type enum color');
    expect(() => node.$addressOf('level')).toThrow('is a bit field');
  });

  test('knows the values of enumerations by their names', () => {
    expect(lib.enumerators('enum color')).toEqual({ RED: 0, GREEN: 5, BLUE: 6 });
    expect(lib.enumerators('enum huge')).toEqual({ SMALL: 1n, LARGE: 2n ** 32n });
    expect(() => lib.enumerators('struct node')).toThrow("'struct node' is not an enumeration");
  });
});

test('a module without debug information has no views', async () => {
  const lib = await loadC(SHAPES, { toolchain: 'clang', flags: ['-O0', '-g0'] });
  expect(() => lib.view('struct node', 8)).toThrow('compile its sources with -g');
  lib.dispose();
  expect(() => lib.view('struct node', 8)).toThrow(
    'view was used after the sandbox of shapes.c was disposed of',
  );
});
