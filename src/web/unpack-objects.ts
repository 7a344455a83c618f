// Unpacks the runtime's objects, which scripts/pack-objects.ts has packed for pages. Most functions of the objects are
// alike, so they lie one after the other there, and compress well. Fields that the linker fills in are left out: here
// they are zero.
//
// The packed form is a list of objects, each with its bytes before the functions and after them, and then five streams,
// which all objects share: the functions' bytes, and of each relocation its type, the distance to it, its symbol, and
// its addend. Distances are counted from the previous field and are 1 too large; 0 stands for the end of a function.

import { ByteReader, ByteWriter, SectionId } from '../binary/index.ts';
import type { RuntimeFlavour } from '../platform/index.ts';

/** The objects of the package, in the order in which they are packed. */
export const PACKED_FLAVOURS = ['emscripten', 'wasi', 'recorder'] as const satisfies RuntimeFlavour[];

/** Relocations that have an addend (tool conventions, Linking.md): addresses. */
export const HAS_ADDEND: ReadonlySet<number> = new Set([3, 4]);
/** A field of the code section that the linker fills in. */
const FIELD = new Uint8Array(5);

/** The streams that all objects share. */
type Streams = Readonly<Record<'code' | 'types' | 'distances' | 'symbols' | 'addends', ByteReader>>;

/** The objects, in the order in which they were packed. */
export function unpackObjects(packed: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(packed);
  const next = (): ByteReader => reader.slice(reader.u32());
  const objects = Array.from({ length: reader.u32() }, () => new UnpackedObject(reader, next(), next()));
  const [code, types, distances, symbols, addends] = [next(), next(), next(), next(), next()];
  const streams: Streams = { code, types, distances, symbols, addends };
  const most = Math.max(...objects.map(({ bodies }) => bodies));
  for (let body = 0; body < most; body += 1) {
    for (const object of objects) if (body < object.bodies) object.addBody(streams);
  }
  return objects.map((object) => object.finish());
}

class UnpackedObject {
  readonly bodies: number;
  readonly #bytes = new ByteWriter(1 << 18);
  readonly #relocations = new ByteWriter(1 << 14);
  readonly #after: ByteReader;
  /** Where the content of the code section begins: offsets of relocations count from there. */
  readonly #start: number;
  readonly #section: number;
  #count = 0;

  constructor(reader: ByteReader, before: ByteReader, after: ByteReader) {
    copy(before, before.end - before.offset, this.#bytes);
    this.#after = after;
    this.#start = reader.u32();
    this.#section = reader.u32();
    this.bodies = reader.u32();
  }

  addBody({ code, types, distances, symbols, addends }: Streams): void {
    const size = code.u32();
    this.#bytes.unsigned(size);
    const end = this.#bytes.length + size;
    for (let distance = distances.u32(); distance > 0; distance = distances.u32()) {
      copy(code, distance - 1, this.#bytes);
      const type = types.byte();
      this.#relocations.byte(type);
      this.#relocations.unsigned(this.#bytes.length - this.#start);
      this.#relocations.unsigned(symbols.u32());
      if (HAS_ADDEND.has(type)) this.#relocations.signed(addends.s33());
      this.#count += 1;
      this.#bytes.copy(FIELD);
    }
    copy(code, end - this.#bytes.length, this.#bytes);
  }

  finish(): Uint8Array {
    copy(this.#after, this.#after.end - this.#after.offset, this.#bytes);
    const content = new ByteWriter();
    content.name('reloc.CODE');
    content.unsigned(this.#section);
    content.unsigned(this.#count);
    content.copy(this.#relocations.take());
    this.#bytes.byte(SectionId.Custom);
    this.#bytes.unsigned(content.length);
    this.#bytes.copy(content.take());
    return this.#bytes.take();
  }
}

/** Moves bytes from a reader to a writer. */
function copy(from: ByteReader, length: number, to: ByteWriter): void {
  const start = from.offset;
  from.skip(length);
  to.copy(from.bytes.subarray(start, from.offset));
}
