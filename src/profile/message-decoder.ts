// Reads the messages of profile.proto into a model. Every index is checked, and every entry is charged for the
// memory that it will take.

import { STEP } from '../algorithms/steps.ts';
import { unitDone } from '../algorithms/watched-work.ts';
import { InvalidProfileError } from '../errors.ts';
import { MAX_STACKS, ProfileBuilder, tooManyStacks } from './builder.ts';
import { IdTable } from './id-table.ts';
import type { ProfileKind, ProfileLine, ProfileModel, SampleLabel, SampleType } from './model.ts';
import { isSize } from './quantity.ts';
import { WireReader } from './wire-reader.ts';

/**
 * Memory that entries take after they are read, in units of about 64 bytes. In the file an entry may take two
 * bytes, and in gzip data next to nothing. So 200 kB could ask for more memory than the machine has, and nobody can
 * catch that.
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

/** Reads a profile message: first all tables, then the samples, which refer to them. */
export class MessageDecoder {
  readonly #reader: WireReader;
  #units: number;

  readonly #sampleTypes: RawValueType[] = [];
  readonly #strings: string[] = [];
  readonly #functions: RawFunction[] = [];
  readonly #mappings: RawMapping[] = [];
  readonly #locations: RawLocation[] = [];
  /** Start and end of each sample message. Samples are read last, when all tables are known. */
  readonly #samples: number[] = [];
  #periodType: RawValueType | null = null;
  #period = 0;
  #time = 0n;
  #duration = 0n;
  #dropFrames = 0;
  #keepFrames = 0;
  #defaultSampleType = 0;
  readonly #comments: number[] = [];

  /** @param units how much the entries may cost */
  constructor(bytes: Uint8Array, units: number) {
    this.#reader = new WireReader(bytes);
    this.#units = units;
  }

  model(accepted: 'heap' | 'any'): ProfileModel {
    this.#reader.message((field) => this.#profileField(field));
    if (this.#strings.length > 0 && this.#strings[0] !== '')
      this.#reader.fail('the first entry of its string table is not empty');
    const sampleTypes = this.#sampleTypes.map((raw) => this.#sampleType(raw));
    if (sampleTypes.length === 0) this.#reader.fail('it names no sample type');
    if (accepted === 'heap' && !sampleTypes.some(({ unit }) => isSize(unit))) {
      throw new InvalidProfileError(
        `This is not a heap profile: its sample types (${sampleTypes.map(({ type, unit }) => `${type}/${unit}`).join(', ')}) count no bytes.`,
      );
    }
    const named = this.#string(this.#defaultSampleType);
    // As in pprof, the default is the last type when none is named, or when the named one does not exist.
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

  #readTables(builder: ProfileBuilder): IdTable {
    const mappings = new IdTable(this.#mappings.length);
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
    const functions = new IdTable(this.#functions.length);
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
    const locations = new IdTable(this.#locations.length);
    for (const raw of this.#locations) {
      this.#unique(locations, raw.id, 'location');
      const mapping = raw.mapping === 0 ? -1 : mappings.get(raw.mapping);
      if (mapping === undefined)
        this.#reader.fail(`location ${raw.id} is in mapping ${raw.mapping}, which does not exist`);
      const lines: ProfileLine[] = raw.lines.map(({ function: id, line, column }) => {
        const index = id === 0 ? -1 : functions.get(id);
        if (index === undefined)
          this.#reader.fail(`location ${raw.id} is in function ${id}, which does not exist`);
        return { function: index, line, column };
      });
      locations.set(raw.id, builder.location(mapping, raw.address, lines, raw.folded));
    }
    return locations;
  }

  #readSamples(builder: ProfileBuilder, width: number, locations: IdTable): void {
    let labels: RawLabel[] = [];
    const ids: (number | bigint)[] = [];
    const stack: number[] = [];
    const values: number[] = [];
    const readValue = () => {
      values.push(this.#reader.integer());
      if (values.length > width)
        this.#reader.fail(`a sample has more values than there are sample types (${width})`);
    };
    const sampleField = (field: number) => {
      switch (field) {
        case 1:
          if (!this.#reader.unsignedInto(ids, MAX_STACKS - 1)) throw tooManyStacks();
          return true;
        case 2:
          this.#reader.repeated(readValue);
          return true;
        case 3:
          labels.push(this.#label());
          return true;
        default:
          return false;
      }
    };
    for (let i = 0; i < this.#samples.length; i += 2) {
      if (i % (2 * STEP) === 0) unitDone(i / 2, this.#samples.length / 2);
      labels = [];
      ids.length = 0;
      values.length = 0;
      this.#reader.messageIn(this.#samples[i]!, this.#samples[i + 1]!, sampleField);
      if (values.length !== width) {
        this.#reader.fail(`a sample has ${values.length} values where there are ${width} sample types`);
      }
      const labelSet =
        labels.length === 0 ? 0 : builder.labels(labels.map((label) => this.#sampleLabel(label)));
      stack.length = ids.length;
      for (let k = 0; k < ids.length; k++) {
        const index = locations.get(ids[k]!);
        if (index === undefined) this.#reader.fail(`a sample names location ${ids[k]}, which does not exist`);
        stack[k] = index;
      }
      builder.sample(builder.stackOf(stack), values, labelSet);
    }
  }

  #profileField(field: number): boolean {
    switch (field) {
      case 1:
        this.#sampleTypes.push(this.#valueType());
        return true;
      case 2:
        this.#spend('sample');
        this.#samples.push(...this.#reader.range());
        return true;
      case 3:
        this.#mappings.push(this.#mapping());
        return true;
      case 4:
        this.#locations.push(this.#location());
        return true;
      case 5:
        this.#functions.push(this.#function());
        return true;
      case 6:
        this.#spend('string');
        this.#strings.push(this.#reader.text());
        return true;
      case 7:
        this.#dropFrames = this.#reader.scalar();
        return true;
      case 8:
        this.#keepFrames = this.#reader.scalar();
        return true;
      case 9:
        this.#time = BigInt.asIntN(64, BigInt(this.#reader.scalarUnsigned()));
        return true;
      case 10:
        this.#duration = BigInt.asIntN(64, BigInt(this.#reader.scalarUnsigned()));
        return true;
      case 11:
        this.#periodType = this.#valueType();
        return true;
      case 12:
        this.#period = this.#reader.scalar();
        return true;
      case 13:
        this.#reader.repeated(() => {
          this.#spend('comment');
          this.#comments.push(this.#reader.integer());
        });
        return true;
      case 14:
        this.#defaultSampleType = this.#reader.scalar();
        return true;
      default:
        return false;
    }
  }

  #valueType(): RawValueType {
    this.#spend('valueType');
    const raw: RawValueType = { type: 0, unit: 0 };
    this.#reader.nested((field) => {
      if (field === 1) raw.type = this.#reader.scalar();
      else if (field === 2) raw.unit = this.#reader.scalar();
      else return false;
      return true;
    });
    return raw;
  }

  #function(): RawFunction {
    this.#spend('function');
    const raw: RawFunction = { id: 0, name: 0, systemName: 0, file: 0, startLine: 0 };
    this.#reader.nested((field) => {
      if (field === 1) raw.id = this.#reader.scalarUnsigned();
      else if (field === 2) raw.name = this.#reader.scalar();
      else if (field === 3) raw.systemName = this.#reader.scalar();
      else if (field === 4) raw.file = this.#reader.scalar();
      else if (field === 5) raw.startLine = this.#reader.scalar();
      else return false;
      return true;
    });
    return raw;
  }

  #mapping(): RawMapping {
    this.#spend('mapping');
    const flags: RawMapping['flags'] = [false, false, false, false];
    const raw: RawMapping = { id: 0, start: 0, limit: 0, fileOffset: 0, file: 0, buildId: 0, flags };
    this.#reader.nested((field) => {
      if (field === 1) raw.id = this.#reader.scalarUnsigned();
      else if (field === 2) raw.start = this.#reader.scalarUnsigned();
      else if (field === 3) raw.limit = this.#reader.scalarUnsigned();
      else if (field === 4) raw.fileOffset = this.#reader.scalarUnsigned();
      else if (field === 5) raw.file = this.#reader.scalar();
      else if (field === 6) raw.buildId = this.#reader.scalar();
      else if (field >= 7 && field <= 10) flags[field - 7] = this.#reader.scalarUnsigned() !== 0;
      else return false;
      return true;
    });
    return raw;
  }

  #location(): RawLocation {
    this.#spend('location');
    const raw: RawLocation = { id: 0, mapping: 0, address: 0, lines: [], folded: false };
    this.#reader.nested((field) => {
      if (field === 1) raw.id = this.#reader.scalarUnsigned();
      else if (field === 2) raw.mapping = this.#reader.scalarUnsigned();
      else if (field === 3) raw.address = this.#reader.scalarUnsigned();
      else if (field === 4) {
        this.#spend('line');
        const line: RawLocation['lines'][number] = { function: 0, line: 0, column: 0 };
        raw.lines.push(line);
        this.#reader.nested((part) => {
          if (part === 1) line.function = this.#reader.scalarUnsigned();
          else if (part === 2) line.line = this.#reader.scalar();
          else if (part === 3) line.column = this.#reader.scalar();
          else return false;
          return true;
        });
      } else if (field === 5) raw.folded = this.#reader.scalarUnsigned() !== 0;
      else return false;
      return true;
    });
    return raw;
  }

  #label(): RawLabel {
    this.#spend('label');
    const raw: RawLabel = { key: 0, text: 0, number: 0, unit: 0 };
    this.#reader.nested((field) => {
      if (field === 1) raw.key = this.#reader.scalar();
      else if (field === 2) raw.text = this.#reader.scalar();
      else if (field === 3) raw.number = this.#reader.scalar();
      else if (field === 4) raw.unit = this.#reader.scalar();
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
    if (text === undefined) this.#reader.fail(`it refers to string ${index} of ${this.#strings.length}`);
    return text;
  }

  #unique(known: IdTable, id: number | bigint, what: string): void {
    if (id === 0) this.#reader.fail(`a ${what} has the reserved id 0`);
    if (known.has(id)) this.#reader.fail(`two entries share ${what} id ${id}`);
  }

  #spend(entry: keyof typeof COST): void {
    this.#units -= COST[entry];
    if (this.#units >= 0) return;
    throw new InvalidProfileError(
      'The profile has more entries than its size limit allows. Raise the limit (maxBytes) if you trust it.',
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
