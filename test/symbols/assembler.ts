// A small assembler of DWARF, for shapes that none of the tested compilers emits: 64-bit DWARF, indexed forms
// of each width, references across units, cycles, and all kinds of hostile sections.

import { withSection } from '../support/custom-sections.ts';

/** Attribute, form and value. A string value of a reference form is the label of another entry. */
export type Attribute = readonly [
  attribute: number,
  form: number,
  value: number | string | readonly number[],
];

export interface Die {
  readonly tag: number;
  readonly label?: string;
  readonly attributes: readonly Attribute[];
  readonly children?: readonly Die[];
}

export interface UnitShape {
  readonly version: number;
  /** 64-bit DWARF. */
  readonly wide?: boolean;
  readonly addressSize?: number;
  readonly root: Die;
}

export class Bytes {
  readonly bytes: number[] = [];

  get length(): number {
    return this.bytes.length;
  }

  u(size: number, value: number): this {
    for (let at = 0; at < size; at++) this.bytes.push(Math.floor(value / 256 ** at) % 256);
    return this;
  }

  uleb(value: number): this {
    let rest = value;
    do {
      const byte = rest % 128;
      rest = Math.floor(rest / 128);
      this.bytes.push(rest > 0 ? byte | 128 : byte);
    } while (rest > 0);
    return this;
  }

  sleb(value: number): this {
    let rest = value;
    for (;;) {
      const byte = rest & 127;
      rest >>= 7;
      const last = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0);
      this.bytes.push(last ? byte : byte | 128);
      if (last) return this;
    }
  }

  text(value: string): this {
    this.bytes.push(...Buffer.from(value), 0);
    return this;
  }

  raw(values: readonly number[]): this {
    for (const value of values) this.bytes.push(value);
    return this;
  }
}

/** Offsets of the functions of `moduleOf`, from the start of the code section payload. */
export const FUNCTIONS = [
  { low: 2, high: 42 },
  { low: 43, high: 83 },
  { low: 84, high: 124 },
] as const;

/** A module of three functions, 40 bytes each, with these custom sections. */
export function moduleOf(sections: Record<string, Bytes | readonly number[]>): Uint8Array {
  const body = [40, 0, ...new Array<number>(38).fill(1), 0x0b];
  const code = [3, ...body, ...body, ...body];
  let wasm: Uint8Array = Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0],
    ...[3, 4, 3, 0, 0, 0],
    ...[10, code.length],
    ...code,
  );
  for (const [name, content] of Object.entries(sections)) {
    wasm = withSection(wasm, name, Uint8Array.from(content instanceof Bytes ? content.bytes : content));
  }
  return wasm;
}

/** .debug_info and .debug_abbrev of these units. */
export function assemble(units: readonly UnitShape[]): { '.debug_info': Bytes; '.debug_abbrev': Bytes } {
  const info = new Bytes();
  const abbreviations = new Bytes();
  const labels = new Map<string, { unit: number; at: number }>();
  const patches: { at: number; size: number; label: string; unit: number; global: boolean }[] = [];
  for (const { version, wide = false, addressSize = 4, root } of units) {
    const offsetSize = wide ? 8 : 4;
    const start = info.length;
    if (wide) info.u(4, 0xffffffff);
    const lengthAt = info.length;
    info.u(offsetSize, 0).u(2, version);
    if (version >= 5) info.u(1, 1).u(1, addressSize).u(offsetSize, abbreviations.length);
    else info.u(offsetSize, abbreviations.length).u(1, addressSize);
    let code = 0;
    const write = (die: Die): void => {
      if (die.label !== undefined) labels.set(die.label, { unit: start, at: info.length });
      info.uleb(++code);
      abbreviations
        .uleb(code)
        .uleb(die.tag)
        .u(1, die.children === undefined ? 0 : 1);
      for (const [attribute, form, value] of die.attributes) {
        abbreviations.uleb(attribute).uleb(form);
        if (form === 0x21) abbreviations.sleb(value as number);
        else writeValue(form, value);
      }
      abbreviations.u(2, 0);
      if (die.children !== undefined) {
        for (const child of die.children) write(child);
        info.u(1, 0);
      }
    };
    const sizes: Record<number, number> = {
      1: addressSize, 5: 2, 6: 4, 7: 8, 11: 1, 12: 1, 14: offsetSize, 16: version <= 2 ? addressSize : offsetSize,
      17: 1, 18: 2, 19: 4, 20: 8, 23: offsetSize, 25: 0, 30: 16, 31: offsetSize, 32: 8, 37: 1,
      38: 2, 39: 3, 40: 4, 41: 1, 42: 2, 43: 3, 44: 4,
    }; // biome-ignore format: a table
    const writeValue = (form: number, value: Attribute[2]): void => {
      const size = sizes[form];
      if (form === 8) info.text(value as string);
      else if (typeof value === 'string') {
        patches.push({ at: info.length, size: size!, label: value, unit: start, global: form === 0x10 });
        info.u(size!, 0);
      } else if (typeof value !== 'number') info.raw(value);
      else if (size !== undefined) info.u(size, value);
      else if (form === 0xd) info.sleb(value);
      else info.uleb(value);
    };
    write(root);
    abbreviations.u(1, 0);
    const length = new Bytes().u(offsetSize, info.length - lengthAt - offsetSize);
    info.bytes.splice(lengthAt, offsetSize, ...length.bytes);
  }
  for (const { at, size, label, unit, global } of patches) {
    const target = labels.get(label)!;
    info.bytes.splice(at, size, ...new Bytes().u(size, target.at - (global ? 0 : unit)).bytes);
  }
  return { '.debug_info': info, '.debug_abbrev': abbreviations };
}
