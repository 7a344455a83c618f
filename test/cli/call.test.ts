// The language of --call: what it accepts, and what it rejects instead of silently passing on something else.

import { describe, expect, it } from 'vitest';
import { parseCall } from '../../src/cli/call.ts';

describe('strings of --call', () => {
  it.each([
    [String.raw`"\a\b\f\n\r\t\v\?\\\'\""`, '\x07\b\f\n\r\t\v?\\\'"'],
    [String.raw`'\x41\x7f\x9z'`, 'A\x7f\x09z'],
    [String.raw`"\u00e9\u{1F600}\ud83d\ude00"`, 'é😀😀'],
    ['"é日本"', 'é日本'],
    [String.raw`"\0"`, '\0'],
  ])('%s is read', (text, value) => {
    expect(parseCall(`f(${text}, 1)`).arguments).toEqual([value, 1]);
  });

  it.each([
    [String.raw`"a\q"`, /\\q is not a known escape at column 5/],
    [String.raw`"\101"`, /\\101 is not a known escape/],
    [String.raw`"\00"`, /\\00 is not a known escape/],
    [String.raw`"\x"`, /\\x is not a known escape/],
    [String.raw`"\u12"`, /\\u is not a known escape/],
    [String.raw`"\u{110000}"`, /\\u\{110000\} is not a known escape/],
    [String.raw`"\U0041"`, /\\U is not a known escape/],
    [String.raw`"\xff"`, /\\x7f is the last \\x escape/],
  ])('%s is rejected', (text, reason) => {
    expect(() => parseCall(`f(${text})`)).toThrow(reason);
  });
});
