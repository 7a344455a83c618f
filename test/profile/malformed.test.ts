// Bytes that are not a profile, damaged profiles and hostile ones always and quickly give an InvalidProfileError.

import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError, InvalidProfileError } from '../../src/errors.ts';
import { HeapProfile } from '../../src/profile/index.ts';
import { ownTime } from '../support/own-time.ts';
import { sampleProfile } from '../support/sample-heap.ts';

/** Decodes the bytes and uses the result. True when the bytes were rejected. */
function refused(bytes: Uint8Array): boolean {
  let profile: HeapProfile;
  try {
    profile = HeapProfile.decode(bytes);
  } catch (error) {
    if (error instanceof InvalidProfileError) return true;
    throw error;
  }
  profile.top();
  profile.folded();
  profile.text();
  profile.toJSON();
  profile.encode();
  profile.diff(profile);
  return false;
}

const intact = sampleProfile({ labels: { instance: 'a' } }).encode({ level: 0 });

/** Makes a message of field numbers and contents: a number for a varint, bytes for a length-delimited field. */
function message(...fields: [number, number | Uint8Array][]): Uint8Array {
  const bytes: number[] = [];
  const varint = (value: number) => {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
  };
  for (const [field, content] of fields) {
    varint(field * 8 + (typeof content === 'number' ? 0 : 2));
    if (typeof content === 'number') varint(content);
    else {
      varint(content.length);
      bytes.push(...content);
    }
  }
  return Uint8Array.from(bytes);
}

const text = (value: string) => new TextEncoder().encode(value);
const HEAD: [number, number | Uint8Array][] = [
  [6, text('')],
  [6, text('space')],
  [6, text('bytes')],
  [1, message([1, 1], [2, 2])],
];

describe('decoding bytes that are not an intact heap profile', () => {
  it('accepts the smallest possible heap profile', () => {
    expect(HeapProfile.decode(message(...HEAD)).sampleTypes).toEqual([{ type: 'space', unit: 'bytes' }]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /empty/],
    ['text', text('Hello, this is not a profile.'), /not an intact/],
    ['a legacy text profile', text('heap profile: 1: 2 [3: 4] @ heap/2\n'), /legacy text form.*-proto/s],
    ['a legacy text profile of Java', text('--- heapz 1 ---\nformat = java\n'), /legacy text form.*-proto/s],
    ['a text profile of something else', text('--- contention:\ncycles/second=1\n'), /not an intact/],
    ['damaged gzip data', gzipSync(intact).fill(0x55, 30, 60), /gzip/],
    ['cut gzip data', gzipSync(intact).subarray(0, 100), /gzip/],
    ['no sample type', message([6, text('')]), /no sample type/],
    [
      'a sample type that counts no bytes',
      message(...HEAD.slice(0, 3), [1, message([1, 1])]),
      /not a heap profile/,
    ],
    ['a string table that starts wrongly', message([6, text('x')], ...HEAD), /string table/],
    ['a string that is not there', message(...HEAD, [7, 99]), /string 99 of 3/],
    ['a location that is not there', message(...HEAD, [2, message([1, 5], [2, 1])]), /location 5/],
    ['a mapping that is not there', message(...HEAD, [4, message([1, 1], [2, 7])]), /mapping 7/],
    [
      'a function that is not there',
      message(...HEAD, [4, message([1, 1], [4, message([1, 9])])]),
      /function 9/,
    ],
    ['an id used twice', message(...HEAD, [5, message([1, 1])], [5, message([1, 1])]), /share function id 1/],
    ['an id of 0', message(...HEAD, [3, message([2, 1])]), /reserved id 0/],
    ['a sample without values', message(...HEAD, [2, message()]), /0 values/],
    ['a sample with too many values', message(...HEAD, [2, message([2, 1], [2, 1])]), /more values/],
    ['an integer that never ends', Uint8Array.from([0x48, ...Array(1000).fill(0xff)]), /10 bytes/],
    ['a length beyond the end', Uint8Array.from([10, 200, 1]), /longer than/],
    ['the tag 0', Uint8Array.from([0, 0]), /bad tag/],
    ['a group', Uint8Array.from([0x0b]), /wire type 3/],
  ])('refuses %s', (_, bytes, reason) => {
    expect(() => HeapProfile.decode(bytes)).toThrow(InvalidProfileError);
    expect(() => HeapProfile.decode(bytes)).toThrow(reason);
  });

  it('skips unknown fields of every wire type', () => {
    const unknown = Uint8Array.from([
      0xa0,
      6,
      1,
      0xa1,
      6,
      ...Array(8).fill(1),
      0xa5,
      6,
      1,
      2,
      3,
      4,
      0xa2,
      6,
      1,
      9,
    ]);
    expect(refused(Uint8Array.from([...message(...HEAD), ...unknown]))).toBe(false);
  });

  it('does not decompress more than the limit', () => {
    const bomb = gzipSync(new Uint8Array(64 * 2 ** 20));
    expect(() => HeapProfile.decode(bomb, { maxBytes: 2 ** 20 })).toThrow(/larger than 1048576 bytes/);
    expect(() => HeapProfile.decode(intact, { maxBytes: 100 })).toThrow(/larger than 100 bytes/);
  });

  it.each([2 ** 20, 1e6 + 0.5, 2 ** 40, Number.POSITIVE_INFINITY])('accepts %d as a limit', (maxBytes) => {
    expect(HeapProfile.decode(gzipSync(intact), { maxBytes }).encode({ level: 0 })).toEqual(intact);
  });

  it.each([0, -1, Number.NaN, '1M' as never])('rejects %j as a limit', (maxBytes) => {
    expect(() => HeapProfile.decode(gzipSync(intact), { maxBytes })).toThrow(InvalidArgumentError);
  });

  it('does not fill the memory with entries that take almost nothing in the file', () => {
    const head = message(...HEAD);
    const mappings = Buffer.alloc(2 * 4_200_000, message([3, new Uint8Array()]));
    const bytes = gzipSync(Buffer.concat([head, mappings]), { level: 1 });
    expect(bytes.length).toBeLessThan(100_000);
    expect(() => HeapProfile.decode(bytes)).toThrow(/^The profile has more entries than/);
    // A sample with 2^24 times location 1 in a packed field. Both lengths take four bytes.
    const ids = Buffer.alloc(2 ** 24, 1);
    const sample = Buffer.from([0x12, 0x85, 0x80, 0x80, 0x08, 0x0a, 0x80, 0x80, 0x80, 0x08]);
    const stack = Buffer.concat([head, message([4, message([1, 1])]), sample, ids]);
    expect(() => HeapProfile.decode(stack)).toThrow(/more than 16777215 different stacks/);
  });

  it.each([
    ['repetitions of repetitions', '(a*)*(a|a)*(a+)+$'],
    ['choices alone', `${'(a|a)'.repeat(60)}b`],
    ['what may be left out', `${'(a)?'.repeat(60)}${'a'.repeat(60)}b`],
    ['many repetitions', `${'a*'.repeat(40)}b`],
    ['groups in groups', `${'('.repeat(4000)}a${')'.repeat(4000)}`],
    ['counts of counts', '((a{1000}){1000}){1000}'],
  ])('survives an expression in drop_frames that would never end: %s', (_, expression) => {
    const name = text(`${'a'.repeat(200)}!`);
    const bytes = message(
      ...HEAD,
      [6, text(expression)],
      [6, name],
      [7, 3],
      [5, message([1, 1], [2, 4])],
      [4, message([1, 1], [4, message([1, 1])])],
      [2, message([1, 1], [2, 1])],
    );
    const took = ownTime(() => expect(HeapProfile.decode(bytes).top()).toContain('aaaa'));
    expect(took).toBeLessThan(30_000);
  });

  it('rejects every truncated profile or reads it as a shorter one', () => {
    let cuts = 0;
    for (let length = 0; length < intact.length; length++) if (refused(intact.subarray(0, length))) cuts++;
    expect(cuts).toBeGreaterThan(intact.length * 0.8);
  });

  it('reads or rejects a profile whatever bytes are changed', () => {
    const change = fc.record({ at: fc.nat({ max: intact.length - 1 }), value: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Uint8Array.from(intact);
        for (const { at, value } of changes) bytes[at] = value;
        refused(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads or rejects any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        refused(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
