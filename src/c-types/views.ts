// Views of records in linear memory: objects whose properties are the fields, read whenever they are asked for. A view
// knows the block that it lies in: when the block is freed, or its memory belongs to another block, the view says so.

import { HeaplineError, InvalidArgumentError, StateError } from '../errors.ts';
import { nearest } from '../options/option-names.ts';
import {
  ADDRESS_BYTES,
  type CType,
  containsItself,
  type Field,
  fieldsOf,
  nameOf,
  type RecordType,
  sizeOf,
} from './c-type.ts';
import type { Pointer, StructView } from './pointer.ts';
import { type Place, readerOf, type ViewedBlock, type ViewedMemory } from './values.ts';

/** Where a view keeps its place: not a name that C can have. */
const PLACE = Symbol('place');
/** The symbol by which Node.js shows an object. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** The most fields that one copy has, those of nested records included. */
const MOST_COPIED = 1_000_000;

interface Placed {
  readonly [PLACE]: Place;
}

/**
 * The value of this type at an address: a view of a record, otherwise the value itself.
 * @param address as C returned it: it may be negative
 */
export function viewAt(type: CType, address: number, memory: ViewedMemory): unknown {
  const name = nameOf(type);
  const size = sizeOf(type);
  if (size === 0 && type.kind !== 'record' && type.kind !== 'array') {
    throw new InvalidArgumentError('type', `'${name}' has no value that could be viewed.`);
  }
  if (!Number.isInteger(address) || address < -(2 ** 31) || address >= 2 ** 32) {
    throw new InvalidArgumentError('pointer', `view() takes a pointer, not ${describe(address)}.`);
  }
  const start = address >>> 0;
  if (start === 0) throw new InvalidArgumentError('pointer', `The pointer to '${name}' is NULL.`);
  if (start + size > memory.bytes.length) {
    throw new InvalidArgumentError(
      'pointer',
      `'${name}' has ${size} bytes and does not fit at address 0x${start.toString(16)}: the guest's memory ends at ` +
        `0x${memory.bytes.length.toString(16)}.`,
    );
  }
  const block = memory.blockAt(start);
  if (block?.freed) {
    throw new InvalidArgumentError(
      'pointer',
      `The pointer to '${name}' (0x${start.toString(16)}) points into a block that is freed.`,
    );
  }
  const place: Place = { memory, address: start, block, frees: memory.frees };
  const end = block === null ? memory.bytes.length : block.address + block.size;
  // A record may be longer than its block, when C has allocated the part that it uses. A number may not.
  if (type.kind !== 'record' && start + size > end) throw beyondBlock(name, start, size, block!);
  return readerOf(type, viewOf)(place, 0);
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`;
}

function beyondBlock(name: string, start: number, size: number, block: ViewedBlock): InvalidArgumentError {
  return new InvalidArgumentError(
    'pointer',
    `'${name}' at 0x${start.toString(16)} has ${size} bytes, and its block of ${block.size} bytes ends before.`,
  );
}

/** Throws unless these bytes of a place can be read. */
function check(
  { memory, address, block, frees }: Place,
  offset: number,
  size: number,
  what: () => string,
): number {
  memory.checkOpen();
  const start = address + offset;
  if (frees !== memory.frees && block !== null) {
    const now = memory.blockAt(address);
    if (now === null || now.freed || now.serial !== block.serial) {
      throw new StateError(
        `${what()} cannot be read: its block of ${block.size} bytes at 0x${block.address.toString(16)} was freed after ` +
          'the view was made.',
      );
    }
  }
  const end = block === null ? memory.bytes.length : block.address + block.size;
  if (start + size > end) {
    throw new StateError(
      block === null
        ? `${what()} lies beyond the end of the guest's memory.`
        : `${what()} lies beyond the end of its block, which has ${block.size} bytes.`,
    );
  }
  return start;
}

/** The fields of a record, prepared once for all of its views. */
class RecordViews {
  readonly fields: ReadonlyMap<string, Field>;
  /** What Node.js shows in place of a view: a class with the name of the type. */
  readonly Shown = class {} as new () => Record<string, unknown>;
  readonly descriptors: PropertyDescriptorMap = Object.create(null);

  constructor(
    readonly name: string,
    type: RecordType,
  ) {
    Object.defineProperty(this.Shown, 'name', { value: name });
    this.fields = new Map(fieldsOf(type).map((field) => [field.name, field]));
    for (const field of this.fields.values()) this.descriptors[field.name] = this.#descriptor(field);
  }

  #descriptor(field: Field): PropertyDescriptor {
    const read = readerOf(field.type, viewOf, field.bits);
    const { offset, bits, type } = field;
    const size = bits === null ? sizeOf(type) : Math.ceil(((bits.start % 8) + bits.count) / 8);
    const what = (): string => `${this.name}.${field.name}`;
    return {
      enumerable: true,
      configurable: true,
      get(this: Placed) {
        const place = this[PLACE];
        check(place, offset, size, what);
        return read(place, offset);
      },
    };
  }
}

const prepared = new WeakMap<RecordType, RecordViews>();

function viewsOf(type: RecordType): RecordViews {
  let views = prepared.get(type);
  if (views === undefined) {
    if (containsItself(type)) {
      throw new InvalidArgumentError(
        'type',
        `The debug information says that '${nameOf(type)}' contains itself: it is damaged.`,
      );
    }
    views = new RecordViews(nameOf(type), type);
    prepared.set(type, views);
  }
  return views;
}

/** What all views share. */
class RecordView implements StructView {
  readonly #views: RecordViews;

  constructor(views: RecordViews, place: Place) {
    this.#views = views;
    Object.defineProperty(this, PLACE, { value: place });
    Object.defineProperties(this, views.descriptors);
  }

  get $address(): Pointer {
    return placeOf(this).address as Pointer;
  }

  get $type(): string {
    return this.#views.name;
  }

  $pointer(field: string): Pointer {
    const { type, offset } = this.#field(field);
    if (type.kind !== 'pointer') {
      throw new InvalidArgumentError(
        'field',
        `${this.$type}.${field} is not a pointer, but of type ${nameOf(type)}.`,
      );
    }
    const place = placeOf(this);
    const at = check(place, offset, ADDRESS_BYTES, () => `${this.$type}.${field}`);
    return place.memory.data.getUint32(at, true) as Pointer;
  }

  $addressOf(field: string): Pointer {
    const { offset, bits } = this.#field(field);
    if (bits !== null)
      throw new InvalidArgumentError('field', `${this.$type}.${field} is a bit field: it has no address.`);
    return (placeOf(this).address + offset) as Pointer;
  }

  toJSON(): object {
    return this.#copy({ left: MOST_COPIED });
  }

  #copy(fields: { left: number }): object {
    const copy: Record<string, unknown> = {};
    for (const name of this.#views.fields.keys()) {
      if (fields.left-- <= 0)
        throw new StateError(`${this.$type} has more than ${MOST_COPIED} fields in its fields.`);
      copy[name] = RecordView.#asJson((this as Record<string, unknown>)[name], fields);
    }
    return copy;
  }

  static #asJson(value: unknown, fields: { left: number }): unknown {
    if (typeof value === 'bigint') {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : String(value);
    }
    if (value instanceof RecordView) return value.#copy(fields);
    return Array.isArray(value) ? value.map((each) => RecordView.#asJson(each, fields)) : value;
  }

  [INSPECT](): object {
    const copy: Record<string, unknown> = new this.#views.Shown();
    for (const name of this.#views.fields.keys()) copy[name] = this.#shown(name);
    return copy;
  }

  #shown(name: string): unknown {
    try {
      return (this as Record<string, unknown>)[name];
    } catch (error) {
      // What a debugger shows must not fail.
      if (error instanceof HeaplineError) return `<${error.message}>`;
      throw error;
    }
  }

  #field(name: string): Field {
    const { fields } = this.#views;
    const field = fields.get(name);
    if (field !== undefined) return field;
    const near = nearest(name, [...fields.keys()]);
    throw new InvalidArgumentError(
      'field',
      `${this.$type} has no field '${name}'.${near === null ? '' : ` Did you mean '${near}'?`}`,
    );
  }
}

function placeOf(view: object): Place {
  return (view as Placed)[PLACE];
}

/** A view of the record at an offset from a place. */
function viewOf(type: RecordType, place: Place, offset: number): unknown {
  return new RecordView(viewsOf(type), { ...place, address: place.address + offset });
}
