// Builds small modules byte by byte, because assemblers do not write unusual encodings, new proposals and faults.

import { SectionId, writeUnsigned } from '../../src/binary/index.ts';

export type Bytes = readonly number[];

export const leb = (value: number): number[] => {
  const encoded = new Uint8Array(10);
  return [...encoded.subarray(0, writeUnsigned(encoded, 0, value))];
};

/** An unsigned LEB128 padded with zero groups to `width` bytes. */
export const padded = (value: number, width: number): number[] => {
  const groups = leb(value);
  while (groups.length < width) {
    groups[groups.length - 1]! |= 0x80;
    groups.push(0);
  }
  return groups;
};

export const name = (text: string): number[] => {
  const encoded = new TextEncoder().encode(text);
  return [...leb(encoded.length), ...encoded];
};

export const vector = (items: readonly Bytes[]): number[] => [...leb(items.length), ...items.flat()];

export const section = (id: number, content: Bytes): number[] => [id, ...leb(content.length), ...content];

export const custom = (title: string, content: Bytes): number[] =>
  section(SectionId.Custom, [...name(title), ...content]);

export const functionType = (parameters: Bytes, results: Bytes): number[] => [
  0x60,
  ...leb(parameters.length),
  ...parameters,
  ...leb(results.length),
  ...results,
];

/** A body: local groups, instructions, and the closing `end`. */
export const body = (code: Bytes, locals: readonly Bytes[] = []): number[] => {
  const content = [...vector(locals), ...code, 0x0b];
  return [...leb(content.length), ...content];
};

export const HEADER: Bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

export const module = (...sections: readonly Bytes[]): Uint8Array<ArrayBuffer> => {
  let length = HEADER.length;
  for (const each of sections) length += each.length;
  const bytes = new Uint8Array(length);
  bytes.set(HEADER);
  let at = HEADER.length;
  for (const each of sections) {
    bytes.set(each, at);
    at += each.length;
  }
  return bytes;
};

export const I32 = 0x7f;
export const I64 = 0x7e;
export { SectionId };
