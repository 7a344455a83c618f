// Removes, adds and replaces custom sections of modules.

import { readModule, SectionId } from '../../src/binary/index.ts';

/** The module without the custom sections whose names match. */
export function withoutSections(wasm: Uint8Array, name: RegExp): Uint8Array {
  const kept = [wasm.subarray(0, 8)];
  for (const section of readModule(wasm).sections) {
    if (section.id !== SectionId.Custom || !name.test(section.name)) {
      kept.push(wasm.subarray(section.start, section.end));
    }
  }
  return new Uint8Array(Buffer.concat(kept));
}

/** The module with a custom section appended. */
export function withSection(wasm: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  const label = Buffer.from(name);
  const body = Buffer.concat([unsigned(label.length), label, content]);
  return new Uint8Array(Buffer.concat([wasm, Buffer.of(SectionId.Custom), unsigned(body.length), body]));
}

/** The module with the matching custom sections of another module instead of its own. */
export function withSectionsOf(wasm: Uint8Array, other: Uint8Array, name: RegExp): Uint8Array {
  let result = withoutSections(wasm, name);
  const module = readModule(other);
  for (const section of module.sections) {
    if (section.id === SectionId.Custom && name.test(section.name)) {
      result = withSection(result, section.name, other.subarray(section.content, section.end));
    }
  }
  return result;
}

/** A string as custom sections such as `external_debug_info` encode it: its length, then its bytes. */
export function lengthPrefixed(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return new Uint8Array(Buffer.concat([unsigned(bytes.length), bytes]));
}

/** An unsigned LEB128 number. */
export function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest >= 0x80;
    bytes.push((rest % 0x80) | (more ? 0x80 : 0));
    rest = Math.floor(rest / 0x80);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}
