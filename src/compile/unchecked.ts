// Functions that are marked with no_sanitize("address") and its like. Clang writes such marks nowhere unless it puts
// sanitizers in itself. So a source that has marks is compiled twice: first to LLVM's text with AddressSanitizer switched
// on and before any pass runs, which says of each function whether it is to be checked, and then to the object. There the
// functions stay apart from their callers, and a section lists them (instrument/unchecked-section.ts).

import { ByteWriter, readModule } from '../binary/index.ts';
import { readObjectSymbols } from '../binary/object-symbols.ts';
import { UNCHECKED_SECTION } from '../instrument/index.ts';

/** Type of a relocation: four bytes that become the offset of a function from the start of the code section's payload. */
const FUNCTION_OFFSET = 8;

const DEFINITION = /^define [^@\n]*@("(?:[^"\\]|\\.)*"|[\w$.-]+)\((.*)$/gm;
const ATTRIBUTES = /^attributes #(\d+) = \{(.*)\}$/gm;

/** The functions that LLVM's text defines and AddressSanitizer would leave alone. */
export function uncheckedIn(text: string): string[] {
  const isChecked = new Map<string, boolean>();
  for (const [, number, attributes] of text.matchAll(ATTRIBUTES)) {
    const words = new Set(attributes!.split(' '));
    isChecked.set(number!, words.has('sanitize_address') && !words.has('disable_sanitizer_instrumentation'));
  }
  const found: string[] = [];
  for (const [, name, rest] of text.matchAll(DEFINITION)) {
    const group = [...rest!.matchAll(/ #(\d+)(?= |$)/g)].at(-1)?.[1];
    if (group !== undefined && isChecked.get(group) === false) found.push(unquoted(name!));
  }
  return found;
}

function unquoted(name: string): string {
  if (!name.startsWith('"')) return name;
  return name
    .slice(1, -1)
    .replaceAll(/\\([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Flags that keep these functions out of their callers, where their accesses would be checked. */
export function keepApart(functions: readonly string[]): string[] {
  return functions.flatMap((name) => [
    '-mllvm',
    `-force-attribute=${name}:noinline`,
    '-mllvm',
    `-force-remove-attribute=${name}:alwaysinline`,
  ]);
}

/** The object with a list of those of the functions that it defines. */
export function withUnchecked(object: Uint8Array, functions: readonly string[]): Uint8Array {
  const wanted = new Set(functions);
  const { symbols } = readObjectSymbols(object);
  const listed = symbols.flatMap(({ kind, defined, name }, index) =>
    kind === 'function' && defined && wanted.has(name) ? [{ name, index }] : [],
  );
  if (listed.length === 0) return object;
  const relocations = new ByteWriter();
  relocations.unsigned(readModule(object).sections.length);
  relocations.unsigned(listed.length);
  const entries = new ByteWriter();
  for (const { name, index } of listed) {
    relocations.byte(FUNCTION_OFFSET);
    relocations.unsigned(entries.length);
    relocations.unsigned(index);
    relocations.signed(0);
    entries.copy(new Uint8Array(4));
    entries.name(name);
  }
  const result = new ByteWriter(object.length + 256);
  result.copy(object);
  appendCustom(result, UNCHECKED_SECTION, entries.take());
  appendCustom(result, `reloc.${UNCHECKED_SECTION}`, relocations.take());
  return result.take();
}

function appendCustom(module: ByteWriter, name: string, content: Uint8Array): void {
  const section = new ByteWriter();
  section.name(name);
  section.copy(content);
  module.byte(0);
  module.unsigned(section.length);
  module.copy(section.take());
}
