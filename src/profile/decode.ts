// Reads profile.proto, gzipped or not, from any writer: Go, jemalloc and gperftools by way of pprof, V8, Heapline.
// It does not go through pprof-format, whose decoder takes cut-off input for whole and needs quadratic time for
// hostile integers; here every length and index is checked, and decompression is bounded.
// Wire format: https://protobuf.dev/programming-guides/encoding/

import { InvalidProfileError } from '../errors.ts';
import { platform, TooLongError } from '../platform/index.ts';
import { MAX_STACKS, ProfileBuilder, tooManyStacks } from './builder.ts';
import { refuseForeignFormat } from './foreign-format.ts';
import type { ProfileKind, ProfileLine, ProfileModel, SampleLabel, SampleType } from './model.ts';
import { isSize } from './quantity.ts';

/** Limit of the decompressed size unless told otherwise, in bytes. */
export const DEFAULT_MAX_BYTES = 256 * 2 ** 20;

/**
 * What entries take once they are read, in units of 64 bytes or so. In the file they may take two bytes each, and in
 * gzip data next to nothing: 200 kB could ask for more memory than there is, which nobody can catch.
 */
const COST = {
  sample: 1,
  label: 2,
  string: 1,
  comment: 1,
  line: 2,
  valueType: 4,
  function: 5,
  location: 6,
  mapping: 8,
} as const;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Real profiles have more bytes to a unit; of the default limit it makes 2 GiB of memory. */
const BYTES_PER_UNIT = 8;

/** Reads a profile, or throws InvalidProfileError. Only `any` takes profiles that count no bytes, such as those of time. */
export function decodeProfile(
  input: Uint8Array,
  maxBytes = DEFAULT_MAX_BYTES,
  accepted: 'heap' | 'any' = 'heap',
): ProfileModel {
  const units = Math.max(maxBytes, DEFAULT_MAX_BYTES) / BYTES_PER_UNIT;
  return new MessageDecoder(decompress(input, maxBytes), units).model(accepted);
}

function decompress(input: Uint8Array, maxBytes: number): Uint8Array {
  if (input.length === 0) throw new InvalidProfileError('The profile is empty: there is not one byte in it.');
  let bytes = input;
  if (input[0] === 0x1f && input[1] === 0x8b) {
    try {
      bytes = platform().gunzip(input, Math.ceil(maxBytes));
    } catch (error) {
      if (error instanceof TooLongError) throw tooLarge(maxBytes, error);
      throw new InvalidProfileError(
        `The profile is not intact: its gzip data cannot be decompressed (${(error as Error).message}).`,
        { cause: error },
      );
    }
  }
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  refuseForeignFormat(bytes);
  return bytes;
}

function tooLarge(maxBytes: number, cause?: unknown): InvalidProfileError {
  return new InvalidProfileError(
    `The profile is larger than ${maxBytes} bytes when decompressed. Raise the limit (maxBytes) if it is to be trusted.`,
    cause === undefined ? undefined : { cause },
  );
}

interface RawValueType {
  type: number;
  unit: number;
}

interface RawFunction {
  id: number | bigint;
  name: number;
  systemName: number;
  file: number;
  startLine: number;
}

interface RawMapping {
  id: number | bigint;
  start: number | bigint;
  limit: number | bigint;
  fileOffset: number | bigint;
  file: number;
  buildId: number;
  flags: [boolean, boolean, boolean, boolean];
}

interface RawLocation {
  id: number | bigint;
  mapping: number | bigint;
  address: number | bigint;
  lines: { function: number | bigint; line: number; column: number }[];
  folded: boolean;
}

interface RawLabel {
  key: number;
  text: number;
  number: number;
  unit: number;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** Reads fields in [offset, end); nested messages are read in place by moving both. */
class MessageDecoder {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #end: number;
  #wire = 0;
  #units: number;

  readonly #sampleTypes: RawValueType[] = [];
  readonly #strings: string[] = [];
  readonly #functions: RawFunction[] = [];
  readonly #mappings: RawMapping[] = [];
  readonly #locations: RawLocation[] = [];
  /** Start and end of each sample message; samples are read last, when all tables are known. */
  readonly #samples: number[] = [];
  #periodType: RawValueType | null = null;
  #period = 0;
  #time = 0n;
  #duration = 0n;
  #dropFrames = 0;
  #keepFrames = 0;
  #defaultSampleType = 0;
  readonly #comments: number[] = [];

  /** @param units how much its entries may cost */
  constructor(bytes: Uint8Array, units: number) {
    this.#bytes = bytes;
    this.#units = units;
    this.#end = bytes.length;
  }

  model(accepted: 'heap' | 'any'): ProfileModel {
    this.#message((field) => this.#profileField(field));
    if (this.#strings.length > 0 && this.#strings[0] !== '')
      this.#fail('the first entry of its string table is not empty');
    const sampleTypes = this.#sampleTypes.map((raw) => this.#sampleType(raw));
    if (sampleTypes.length === 0) this.#fail('it names no sample type');
    if (accepted === 'heap' && !sampleTypes.some(({ unit }) => isSize(unit))) {
      throw new InvalidProfileError(
        `This is not a heap profile: its sample types (${sampleTypes.map(({ type, unit }) => `${type}/${unit}`).join(', ')}) count no bytes.`,
      );
    }
    const named = this.#string(this.#defaultSampleType);
    // As pprof does: the last type when none is named, or when the named one does not exist.
    const defaultSampleType = sampleTypes.some(({ type }) => type === named)
      ? named
      : sampleTypes.at(-1)!.type;

    const builder = new ProfileBuilder({
      kind: kindOf(sampleTypes, defaultSampleType),
      sampleTypes,
      defaultSampleType,
      timeNanos: this.#time,
      durationNanos: this.#duration,
      periodType: this.#periodType === null ? null : this.#sampleType(this.#periodType),
      period: this.#period,
      dropFrames: this.#string(this.#dropFrames),
      keepFrames: this.#string(this.#keepFrames),
      comments: this.#comments.map((comment) => this.#string(comment)),
    });
    const locations = this.#readTables(builder);
    this.#readSamples(builder, sampleTypes.length, locations);
    return builder.finish();
  }

  #readTables(builder: ProfileBuilder): Map<number | bigint, number> {
    const mappings = new Map<number | bigint, number>();
    for (const raw of this.#mappings) {
      this.#unique(mappings, raw.id, 'mapping');
      const [hasFunctions, hasFilenames, hasLineNumbers, hasInlineFrames] = raw.flags;
      mappings.set(
        raw.id,
        builder.mapping({
          start: raw.start,
          limit: raw.limit,
          fileOffset: raw.fileOffset,
          file: this.#string(raw.file),
          buildId: this.#string(raw.buildId),
          hasFunctions,
          hasFilenames,
          hasLineNumbers,
          hasInlineFrames,
        }),
      );
    }
    const functions = new Map<number | bigint, number>();
    for (const raw of this.#functions) {
      this.#unique(functions, raw.id, 'function');
      const name = this.#string(raw.name);
      const systemName = this.#string(raw.systemName);
      functions.set(
        raw.id,
        builder.function(
          name === '' ? systemName : name,
          name === systemName ? '' : systemName,
          this.#string(raw.file),
          raw.startLine,
        ),
      );
    }
    const locations = new Map<number | bigint, number>();
    for (const raw of this.#locations) {
      this.#unique(locations, raw.id, 'location');
      const mapping = raw.mapping === 0 ? -1 : mappings.get(raw.mapping);
      if (mapping === undefined)
        this.#fail(`location ${raw.id} is in mapping ${raw.mapping}, which does not exist`);
      const lines: ProfileLine[] = raw.lines.map(({ function: id, line, column }) => {
        const index = id === 0 ? -1 : functions.get(id);
        if (index === undefined) this.#fail(`location ${raw.id} is in function ${id}, which does not exist`);
        return { function: index, line, column };
      });
      locations.set(raw.id, builder.location(mapping, raw.address, lines, raw.folded));
    }
    return locations;
  }

  #readSamples(builder: ProfileBuilder, width: number, locations: Map<number | bigint, number>): void {
    let labels: RawLabel[] = [];
    const stack: number[] = [];
    const values: number[] = [];
    const readLocation = () => {
      const id = this.#unsigned();
      const index = locations.get(id);
      if (index === undefined) this.#fail(`a sample names location ${id}, which does not exist`);
      if (stack.push(index) >= MAX_STACKS) throw tooManyStacks();
    };
    const readValue = () => {
      values.push(this.#integer());
      if (values.length > width)
        this.#fail(`a sample has more values than there are sample types (${width})`);
    };
    const sampleField = (field: number) => {
      switch (field) {
        case 1:
          this.#repeated(readLocation);
          return true;
        case 2:
          this.#repeated(readValue);
          return true;
        case 3:
          labels.push(this.#label());
          return true;
        default:
          return false;
      }
    };
    for (let i = 0; i < this.#samples.length; i += 2) {
      labels = [];
      stack.length = 0;
      values.length = 0;
      this.#offset = this.#samples[i]!;
      this.#end = this.#samples[i + 1]!;
      this.#message(sampleField);
      if (values.length !== width) {
        this.#fail(`a sample has ${values.length} values where there are ${width} sample types`);
      }
      const labelSet =
        labels.length === 0 ? 0 : builder.labels(labels.map((label) => this.#sampleLabel(label)));
      builder.sample(builder.stackOf(stack), values, labelSet);
    }
  }

  #profileField(field: number): boolean {
    switch (field) {
      case 1:
        this.#sampleTypes.push(this.#valueType());
        return true;
      case 2: {
        const end = this.#length();
        this.#spend('sample');
        this.#samples.push(this.#offset, end);
        this.#offset = end;
        return true;
      }
      case 3:
        this.#mappings.push(this.#mapping());
        return true;
      case 4:
        this.#locations.push(this.#location());
        return true;
      case 5:
        this.#functions.push(this.#function());
        return true;
      case 6: {
        const end = this.#length();
        this.#spend('string');
        this.#strings.push(utf8.decode(this.#bytes.subarray(this.#offset, end)));
        this.#offset = end;
        return true;
      }
      case 7:
        this.#dropFrames = this.#scalar();
        return true;
      case 8:
        this.#keepFrames = this.#scalar();
        return true;
      case 9:
        this.#time = BigInt.asIntN(64, BigInt(this.#scalarUnsigned()));
        return true;
      case 10:
        this.#duration = BigInt.asIntN(64, BigInt(this.#scalarUnsigned()));
        return true;
      case 11:
        this.#periodType = this.#valueType();
        return true;
      case 12:
        this.#period = this.#scalar();
        return true;
      case 13:
        this.#repeated(() => {
          this.#spend('comment');
          this.#comments.push(this.#integer());
        });
        return true;
      case 14:
        this.#defaultSampleType = this.#scalar();
        return true;
      default:
        return false;
    }
  }

  #valueType(): RawValueType {
    this.#spend('valueType');
    const raw: RawValueType = { type: 0, unit: 0 };
    this.#nested((field) => {
      if (field === 1) raw.type = this.#scalar();
      else if (field === 2) raw.unit = this.#scalar();
      else return false;
      return true;
    });
    return raw;
  }

  #function(): RawFunction {
    this.#spend('function');
    const raw: RawFunction = { id: 0, name: 0, systemName: 0, file: 0, startLine: 0 };
    this.#nested((field) => {
      if (field === 1) raw.id = this.#scalarUnsigned();
      else if (field === 2) raw.name = this.#scalar();
      else if (field === 3) raw.systemName = this.#scalar();
      else if (field === 4) raw.file = this.#scalar();
      else if (field === 5) raw.startLine = this.#scalar();
      else return false;
      return true;
    });
    return raw;
  }

  #mapping(): RawMapping {
    this.#spend('mapping');
    const flags: RawMapping['flags'] = [false, false, false, false];
    const raw: RawMapping = { id: 0, start: 0, limit: 0, fileOffset: 0, file: 0, buildId: 0, flags };
    this.#nested((field) => {
      if (field === 1) raw.id = this.#scalarUnsigned();
      else if (field === 2) raw.start = this.#scalarUnsigned();
      else if (field === 3) raw.limit = this.#scalarUnsigned();
      else if (field === 4) raw.fileOffset = this.#scalarUnsigned();
      else if (field === 5) raw.file = this.#scalar();
      else if (field === 6) raw.buildId = this.#scalar();
      else if (field >= 7 && field <= 10) flags[field - 7] = this.#scalarUnsigned() !== 0;
      else return false;
      return true;
    });
    return raw;
  }

  #location(): RawLocation {
    this.#spend('location');
    const raw: RawLocation = { id: 0, mapping: 0, address: 0, lines: [], folded: false };
    this.#nested((field) => {
      if (field === 1) raw.id = this.#scalarUnsigned();
      else if (field === 2) raw.mapping = this.#scalarUnsigned();
      else if (field === 3) raw.address = this.#scalarUnsigned();
      else if (field === 4) {
        this.#spend('line');
        const line: RawLocation['lines'][number] = { function: 0, line: 0, column: 0 };
        raw.lines.push(line);
        this.#nested((part) => {
          if (part === 1) line.function = this.#scalarUnsigned();
          else if (part === 2) line.line = this.#scalar();
          else if (part === 3) line.column = this.#scalar();
          else return false;
          return true;
        });
      } else if (field === 5) raw.folded = this.#scalarUnsigned() !== 0;
      else return false;
      return true;
    });
    return raw;
  }

  #label(): RawLabel {
    this.#spend('label');
    const raw: RawLabel = { key: 0, text: 0, number: 0, unit: 0 };
    this.#nested((field) => {
      if (field === 1) raw.key = this.#scalar();
      else if (field === 2) raw.text = this.#scalar();
      else if (field === 3) raw.number = this.#scalar();
      else if (field === 4) raw.unit = this.#scalar();
      else return false;
      return true;
    });
    return raw;
  }

  #sampleLabel(raw: RawLabel): SampleLabel {
    const key = this.#string(raw.key);
    if (raw.text !== 0) return { key, text: this.#string(raw.text) };
    return { key, number: raw.number, unit: this.#string(raw.unit) };
  }

  #sampleType(raw: RawValueType): SampleType {
    return { type: this.#string(raw.type), unit: this.#string(raw.unit) };
  }

  #string(index: number): string {
    if (index === 0) return '';
    const text = this.#strings[index];
    if (text === undefined) this.#fail(`it refers to string ${index} of ${this.#strings.length}`);
    return text;
  }

  #unique(known: ReadonlyMap<number | bigint, number>, id: number | bigint, what: string): void {
    if (id === 0) this.#fail(`a ${what} has the reserved id 0`);
    if (known.has(id)) this.#fail(`two entries share ${what} id ${id}`);
  }

  #spend(entry: keyof typeof COST): void {
    this.#units -= COST[entry];
    if (this.#units >= 0) return;
    throw new InvalidProfileError(
      'The profile has more entries than its limit of size allows for. Raise that (maxBytes) if it is to be trusted.',
    );
  }

  // Wire format from here on.

  #message(read: (field: number) => boolean): void {
    while (this.#offset < this.#end) {
      const tag = this.#unsigned();
      if (typeof tag === 'bigint' || tag < 8 || tag > 0xffffffff)
        this.#fail(`a field has the bad tag ${tag}`);
      const wire = tag % 8;
      this.#wire = wire;
      if (!read(Math.floor(tag / 8))) this.#skip(wire);
    }
  }

  #nested(read: (field: number) => boolean): void {
    const outer = this.#end;
    this.#end = this.#length();
    this.#message(read);
    this.#end = outer;
  }

  #skip(wire: number): void {
    if (wire === VARINT) this.#unsigned();
    else if (wire === DELIMITED) this.#offset = this.#length();
    else if (wire === FIXED64 || wire === FIXED32) {
      this.#offset += wire === FIXED64 ? 8 : 4;
      if (this.#offset > this.#end) this.#fail('it ends in the middle of a field');
    } else this.#fail(`a field has the unknown wire type ${wire}`);
  }

  /** End of a length-delimited field whose content starts at the offset afterwards. */
  #length(): number {
    if (this.#wire !== DELIMITED) this.#fail(`a field has wire type ${this.#wire} where a length is due`);
    const length = this.#unsigned();
    if (length > this.#end - this.#offset) this.#fail('a field is longer than what holds it');
    return this.#offset + Number(length);
  }

  /** Repeated integers, packed or one by one. */
  #repeated(read: () => void): void {
    if (this.#wire === VARINT) {
      read();
      return;
    }
    const outer = this.#end;
    this.#end = this.#length();
    while (this.#offset < this.#end) read();
    this.#end = outer;
  }

  #scalar(): number {
    if (this.#wire !== VARINT) this.#fail(`a field has wire type ${this.#wire} where an integer is due`);
    return this.#integer();
  }

  #scalarUnsigned(): number | bigint {
    if (this.#wire !== VARINT) this.#fail(`a field has wire type ${this.#wire} where an integer is due`);
    return this.#unsigned();
  }

  /** An int64 as a number: exact up to 2^53, rounded beyond. */
  #integer(): number {
    const value = this.#unsigned();
    return typeof value === 'number' ? value : Number(BigInt.asIntN(64, value));
  }

  /** A varint: a number up to 2^53, a bigint beyond. */
  #unsigned(): number | bigint {
    const bytes = this.#bytes;
    const end = this.#end;
    let offset = this.#offset;
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      if (offset >= end) this.#fail('it ends in the middle of an integer');
      const byte = bytes[offset++]!;
      value += (byte & 127) * factor;
      if (byte < 128) {
        this.#offset = offset;
        return value;
      }
      factor *= 128;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      if (offset >= end) this.#fail('it ends in the middle of an integer');
      const byte = bytes[offset++]!;
      large |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        this.#offset = offset;
        large = BigInt.asUintN(64, large);
        return large <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(large) : large;
      }
    }
    return this.#fail('an integer is longer than 10 bytes');
  }

  #fail(what: string): never {
    throw new InvalidProfileError(
      `This is not an intact pprof profile: ${what} (near byte ${this.#offset}).`,
    );
  }
}

function kindOf(sampleTypes: readonly SampleType[], defaultSampleType: string): ProfileKind {
  const types = new Set(sampleTypes.map(({ type }) => type));
  if (types.has('inuse_space')) return defaultSampleType.startsWith('alloc_') ? 'allocs' : 'heap';
  if (types.has('peak_space')) return 'peak';
  if (types.has('temporary_space')) return 'temporary';
  if (types.has('leaked_space')) return 'leaks';
  if (types.has('lifetime')) return 'lifetime';
  return 'other';
}
