// Instructions that no disassembler of opcodes.witness.test.ts knows (garbage collection, typed references).
// Their bytes were written from the specification.

import { describe, expect, test } from 'vitest';
import { PREFIXED, SINGLE_BYTE, skipInstruction } from '../../src/binary/index.ts';
import { OPCODES } from '../../src/binary/opcode-names.ts';
import { InvalidModuleError, UnsupportedModuleError } from '../../src/errors.ts';

/** Instructions written from the specification. Each must be read as exactly one. */
const written: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['call_ref', [0x14, 0x85, 0x01]],
  ['return_call_ref', [0x15, 0x05]],
  ['ref.eq', [0xd3]],
  ['ref.as_non_null', [0xd4]],
  ['br_on_null', [0xd5, 0x81, 0x00]],
  ['br_on_non_null', [0xd6, 0x01]],
  ['ref.null of a type index', [0xd0, 0x85, 0x01]],
  ['select of a concrete reference', [0x1c, 0x01, 0x63, 0x85, 0x01]],
  ['block of a concrete reference', [0x02, 0x64, 0x85, 0x01]],
  ['block of an abstract reference', [0x02, 0x63, 0x70]],
  ['block of a large type index', [0x02, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['struct.new', [0xfb, 0x00, 0x81, 0x01]],
  ['struct.new with a padded opcode', [0xfb, 0x80, 0x00, 0x01]],
  ['struct.get', [0xfb, 0x02, 0x01, 0x82, 0x00]],
  ['struct.set', [0xfb, 0x05, 0x01, 0x02]],
  ['array.new', [0xfb, 0x06, 0x01]],
  ['array.new_fixed', [0xfb, 0x08, 0x01, 0x90, 0x4e]],
  ['array.new_data', [0xfb, 0x09, 0x01, 0x02]],
  ['array.get_u', [0xfb, 0x0d, 0x01]],
  ['array.len', [0xfb, 0x0f]],
  ['array.fill', [0xfb, 0x10, 0x01]],
  ['array.copy', [0xfb, 0x11, 0x01, 0x02]],
  ['array.init_elem', [0xfb, 0x13, 0x01, 0x02]],
  ['ref.test', [0xfb, 0x14, 0x6b]],
  ['ref.cast null of a type index', [0xfb, 0x17, 0x85, 0x01]],
  ['br_on_cast', [0xfb, 0x18, 0x03, 0x81, 0x00, 0x6e, 0x85, 0x01]],
  ['br_on_cast_fail', [0xfb, 0x19, 0x01, 0x00, 0x6e, 0x6b]],
  ['any.convert_extern', [0xfb, 0x1a]],
  ['ref.i31', [0xfb, 0x1c]],
  ['i31.get_u', [0xfb, 0x1e]],
  ['a load of memory 200 (multi-memory)', [0x28, 0x42, 0xc8, 0x01, 0x10]],
  ['a lane load of memory 1', [0xfd, 0x54, 0x40, 0x01, 0x10, 0x0f]],
  ['an atomic of memory 1', [0xfe, 0x10, 0x42, 0x01, 0x00]],
  [
    'a load with a 64-bit offset (memory64)',
    [0x29, 0x03, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  ],
  ['memory.copy between memories', [0xfc, 0x0a, 0x81, 0x00, 0x02]],
  ['call_indirect of a second table', [0x11, 0x80, 0x01, 0x81, 0x00]],
  ['throw_ref', [0x0a]],
];

describe('instructions that the disassemblers do not know', () => {
  test.each(written)('%s ends where the specification says', (_, bytes) => {
    const followed = Uint8Array.from([...bytes, 0x01, 0x01]);
    expect(skipInstruction(followed, 0, followed.length)).toBe(bytes.length);
  });

  test.each(written)('%s is rejected if it is cut short anywhere', (_, bytes) => {
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = Uint8Array.from(bytes);
      expect(() => skipInstruction(cut, 0, length)).toThrow(InvalidModuleError);
    }
  });

  test('every opcode of the garbage collection proposal is in the table', () => {
    expect(OPCODES.filter(({ prefix }) => prefix === 0xfb).map(({ code }) => code)).toEqual(
      Array.from({ length: 31 }, (_, code) => code),
    );
  });

  test('exactly the opcodes with a kind of immediates have a name', () => {
    const spaces = [SINGLE_BYTE.subarray(0, 0xfb), ...PREFIXED];
    const known = spaces.flatMap((kinds, space) =>
      [...kinds.keys()].filter((code) => kinds[code] !== 0).map((code) => [space, code]),
    );
    const named = OPCODES.map(({ prefix, code }) => [prefix === 0 ? 0 : prefix - 0xfa, code]);
    expect(named).toEqual(known);
  });

  test.each([[0x16], [0x27], [0xc5], [0xd7], [0xff], [0xfb, 31], [0xfc, 18], [0xfd, 0x9a, 0x01], [0xfe, 4]])(
    'unknown opcode %s is rejected with its offset',
    (...bytes) => {
      const code = Uint8Array.from([0x01, 0x01, ...bytes, 0, 0, 0, 0]);
      const attempt = () => skipInstruction(code, 2, code.length);
      expect(attempt).toThrow(UnsupportedModuleError);
      expect(attempt).toThrow(/unknown opcode 0x.* at offset 0x2$/);
    },
  );
});
