// The runtime's objects in bundles for browsers: what is unpacked links to the same code as the objects themselves.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { embeddedText, textOfBytes } from '../../scripts/pack-objects.ts';
import { RuntimeObject } from '../../src/graft/runtime-object.ts';
import { bytesOfText, PACKED_FLAVOURS, unpackObjects } from '../../src/web/packed-objects.ts';

const flavours = PACKED_FLAVOURS;
const objects = flavours.map((name) =>
  readFileSync(new URL(`../../wasm/heapline-${name}.o`, import.meta.url)),
);

/** The object as grafting places it, with numbers that differ for everything that it asks for. */
function placed(bytes: Uint8Array): { readonly code: Uint8Array; readonly asked: readonly string[] } {
  const object = new RuntimeObject(bytes);
  const asked: string[] = [];
  const numberOf = (what: string): number =>
    asked.includes(what) ? asked.indexOf(what) : asked.push(what) - 1;
  const whole = object.placed(4096, {
    functionIndex: (name) => 100 + numberOf(`function ${name}`),
    address: (name) => 50_000 + numberOf(`data ${name}`),
    globalIndex: (name) => 10 + numberOf(`global ${name}`),
    typeIndex: (type) => 300 + type,
    bodyIndex: (body) => 1000 + body,
  });
  const { bodies, data } = object.module;
  const parts = [...bodies, ...data].map(({ start, end }) => whole.subarray(start, end));
  return { code: Buffer.concat(parts), asked };
}

const text = embeddedText(objects);
const unpacked = unpackObjects(gunzipSync(bytesOfText(text)));

test.each(flavours.map((name, index) => [name, index] as const))(
  'the object for %s is linked as if it had not been packed',
  (_, index) => {
    const expected = placed(objects[index]!);
    const found = placed(unpacked[index]!);
    expect(expected.asked.length).toBeGreaterThan(3);
    expect(found.asked).toEqual(expected.asked);
    expect(Buffer.compare(found.code, expected.code)).toBe(0);
  },
);

test('it defines the same functions for others', () => {
  for (const [index, bytes] of objects.entries()) {
    const original = new RuntimeObject(bytes);
    const defined = original.symbols.filter(({ kind, defined, binding }) => {
      return kind === 'function' && defined && binding !== 'local';
    });
    expect(defined.length).toBeGreaterThan(5);
    const found = new RuntimeObject(unpacked[index]!);
    for (const { name, index: own } of defined) expect(found.definedFunction(name)).toBe(own);
  }
});

test('the three objects take less than 64 kB of a bundle', () => {
  expect(text.length).toBeLessThan(64_000);
  // As it is quoted in a bundle.
  expect(JSON.stringify(text).length).toBe(text.length + 2);
});

test('bytes of any number come back from their text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expect([...bytesOfText(textOfBytes(bytes))]).toEqual([...bytes]);
    }),
    { numRuns: 200 },
  );
});
