// Packs the runtime's objects for pages, into a third of what they take when the gzip format compresses each of them
// alone. src/web/unpack-objects.ts describes the form and unpacks it.

import { gzipSync } from 'node:zlib';
import { ByteReader, ByteWriter, readModule, SectionId, type WasmModule } from '../src/binary/index.ts';
import { ALPHABET } from '../src/web/text-bytes.ts';
import { HAS_ADDEND } from '../src/web/unpack-objects.ts';

/** Relocations whose fields have five bytes (tool conventions, Linking.md). */
const PADDED: ReadonlySet<number> = new Set([0, 3, 4, 6, 7]);
const FIELD = 5;
const SYMBOL_TABLE = 8;
const FUNCTION = 0;
const LOCAL = 0x02;
const UNDEFINED = 0x10;

interface Relocation {
  readonly type: number;
  /** From the start of the code section's content. */
  readonly offset: number;
  readonly symbol: number;
  readonly addend: number;
}

/** The packed form of several objects, before compression. */
export function packObjects(objects: readonly Uint8Array[]): Uint8Array {
  const packed = new ByteWriter(1 << 18);
  const streams = new Streams();
  const opened = objects.map((object) => openObject(withoutLocalNames(object)));
  packed.unsigned(objects.length);
  for (const { module, before, after, start, section } of opened) {
    writeBlock(packed, before);
    writeBlock(packed, after);
    packed.unsigned(start);
    packed.unsigned(section);
    packed.unsigned(module.bodies.length);
  }
  const most = Math.max(...opened.map(({ module }) => module.bodies.length));
  for (let body = 0; body < most; body += 1) for (const object of opened) streams.addBody(object, body);
  for (const stream of streams.all) writeBlock(packed, stream.take());
  return packed.take();
}

/** Bytes as text that `bytesOfText` reads. */
export function textOfBytes(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let count = 0;
  const write = (): void => {
    const value = held & 0x1fff;
    text += ALPHABET[Math.floor(value / ALPHABET.length)]! + ALPHABET[value % ALPHABET.length]!;
    held >>>= 13;
    count -= 13;
  };
  for (const byte of bytes) {
    held |= byte << count;
    count += 8;
    if (count >= 13) write();
  }
  if (count > 0) write();
  return ALPHABET[-count]! + text;
}

/** The text that pages contain. */
export function embeddedText(objects: readonly Uint8Array[]): string {
  return textOfBytes(gzipSync(packObjects(objects), { level: 9 }));
}

interface OpenedObject {
  readonly module: WasmModule;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly start: number;
  readonly section: number;
  readonly relocations: readonly Relocation[];
}

function openObject(bytes: Uint8Array): OpenedObject {
  const module = readModule(bytes);
  const code = module.section(SectionId.Code)!;
  const relocations = sectionNamed(module, 'reloc.CODE');
  const reader = new ByteReader(bytes, relocations.content, relocations.end);
  const section = reader.u32();
  const list = Array.from({ length: reader.u32() }, () => readRelocation(reader));
  const parts = [bytes.subarray(code.end, relocations.start), bytes.subarray(relocations.end)];
  const bodies = new ByteReader(bytes, code.content, code.end);
  bodies.u32();
  return {
    module,
    before: bytes.subarray(0, bodies.offset),
    after: Buffer.concat(parts),
    start: code.content,
    section,
    relocations: list.sort((a, b) => a.offset - b.offset),
  };
}

function readRelocation(reader: ByteReader): Relocation {
  const type = reader.byte();
  if (!PADDED.has(type)) throw new Error(`pack-objects.ts knows no relocation of type ${type} in code`);
  const offset = reader.u32();
  const symbol = reader.u32();
  return { type, offset, symbol, addend: HAS_ADDEND.has(type) ? reader.s33() : 0 };
}

class Streams {
  readonly code = new ByteWriter();
  readonly types = new ByteWriter();
  readonly distances = new ByteWriter();
  readonly symbols = new ByteWriter();
  readonly addends = new ByteWriter();
  readonly all = [this.code, this.types, this.distances, this.symbols, this.addends];

  addBody({ module: { bytes, bodies }, start, relocations }: OpenedObject, body: number): void {
    const range = bodies[body];
    if (range === undefined) return;
    let at = range.start;
    this.code.unsigned(range.end - range.start);
    for (const { type, offset, symbol, addend } of relocations) {
      const field = start + offset;
      if (field < range.start || field >= range.end) continue;
      this.code.copy(bytes.subarray(at, field));
      this.types.byte(type);
      this.distances.unsigned(field - at + 1);
      this.symbols.unsigned(symbol);
      if (HAS_ADDEND.has(type)) this.addends.signed(addend);
      at = field + FIELD;
    }
    this.distances.unsigned(0);
    this.code.copy(bytes.subarray(at, range.end));
  }
}

/** The object without the names of functions that nothing outside it can call. */
function withoutLocalNames(bytes: Uint8Array): Uint8Array {
  const section = sectionNamed(readModule(bytes), 'linking');
  const reader = new ByteReader(bytes, section.content, section.end);
  const content = new ByteWriter();
  content.name('linking');
  content.unsigned(reader.u32());
  while (!reader.done) {
    const type = reader.byte();
    const subsection = reader.slice(reader.u32());
    content.byte(type);
    writeBlock(
      content,
      type === SYMBOL_TABLE ? shortSymbols(subsection) : bytes.subarray(subsection.offset, subsection.end),
    );
  }
  const linking = new ByteWriter();
  linking.byte(SectionId.Custom);
  writeBlock(linking, content.take());
  return Buffer.concat([bytes.subarray(0, section.start), linking.take(), bytes.subarray(section.end)]);
}

function shortSymbols(reader: ByteReader): Uint8Array {
  const written = new ByteWriter();
  const count = reader.u32();
  written.unsigned(count);
  for (let index = 0; index < count; index += 1) {
    const start = reader.offset;
    const kind = reader.byte();
    const flags = reader.u32();
    if (kind === FUNCTION && (flags & LOCAL) !== 0 && (flags & UNDEFINED) === 0) {
      reader.u32();
      written.copy(reader.bytes.subarray(start, reader.offset));
      reader.name();
      written.name('');
      continue;
    }
    skipSymbol(reader, kind, flags);
    written.copy(reader.bytes.subarray(start, reader.offset));
  }
  return written.take();
}

const EXPLICIT_NAME = 0x40;
const DATA = 1;
const SECTION = 3;

function skipSymbol(reader: ByteReader, kind: number, flags: number): void {
  const isDefined = (flags & UNDEFINED) === 0;
  if (kind === DATA) {
    reader.name();
    if (isDefined) for (let field = 0; field < 3; field += 1) reader.u64();
    return;
  }
  reader.u32();
  if (kind !== SECTION && (isDefined || (flags & EXPLICIT_NAME) !== 0)) reader.name();
}

function sectionNamed(module: WasmModule, name: string): WasmModule['sections'][number] {
  const found = module.sections.find((section) => section.name === name);
  if (found === undefined) throw new Error(`the runtime's object has no section ${name}`);
  return found;
}

function writeBlock(writer: ByteWriter, bytes: Uint8Array): void {
  writer.unsigned(bytes.length);
  writer.copy(bytes);
}
