// Where all code goes, and the code section itself. The length of every body is computed from the edits
// before a byte is written, so the output has its exact size and nothing is moved twice. Between edits the
// original bytes are copied.

import {
  copyRange,
  peekU32,
  skipLeb,
  unsignedLength,
  type WasmModule,
  writeUnsigned,
} from '../binary/index.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { OrderedEdits } from './code-edits.ts';
import { type CodeRuns, RunRecorder } from './code-runs.ts';
import { checkBody } from './limits.ts';

/** Types of the locals that are added to each body; a type is the code of a value type of one byte. */
export type AddedLocals = ReadonlyMap<number, readonly number[]>;

/** Calls `use` for each group of equal types that follow each other. */
function eachGroup(types: readonly number[], use: (length: number, type: number) => void): void {
  let start = 0;
  for (let index = 1; index <= types.length; index += 1) {
    if (index < types.length && types[index] === types[start]) continue;
    use(index - start, types[start]!);
    start = index;
  }
}

/** What added locals do to the head of a body. */
interface Head {
  /** Groups of locals that the original declares, and the bytes that their number takes there. */
  readonly groups: number;
  readonly width: number;
  /** Groups that are added, and the bytes that they take. */
  readonly added: number;
  readonly addedBytes: number;
}

function measureHead(bytes: Uint8Array, start: number, types: readonly number[]): Head {
  let added = 0;
  let addedBytes = 0;
  eachGroup(types, (length) => {
    added += 1;
    addedBytes += unsignedLength(length) + 1;
  });
  return { groups: peekU32(bytes, start), width: skipLeb(bytes, start) - start, added, addedBytes };
}

/** The code section with all edits. Its offsets count from the payload of the section. */
export class CodeLayout {
  /** Bytes of the payload. */
  readonly size: number;
  readonly runs: CodeRuns;
  /** Offset of the inserted bytes of each edit, in order of position. */
  readonly insertedAt: Uint32Array;
  /** New length of every body, 0 for bodies that stay as they are. */
  readonly #lengths: Uint32Array;
  /** First edit of each body; one more entry than bodies. */
  readonly #first: Uint32Array;
  #starts: Uint32Array | null = null;

  constructor(
    readonly module: WasmModule,
    readonly edits: OrderedEdits,
    readonly locals: AddedLocals,
    /** Bodies of the functions that are appended. */
    readonly appended: readonly Uint8Array[],
  ) {
    this.#lengths = new Uint32Array(module.bodies.length);
    this.#first = new Uint32Array(module.bodies.length + 1);
    this.insertedAt = new Uint32Array(edits.count);
    this.#measure();
    const { runs, size } = this.#place();
    this.runs = runs;
    this.size = size;
  }

  /** Length of each body that changes. */
  #measure(): void {
    const { module, edits, locals } = this;
    const { position, removed, length } = edits;
    let edit = 0;
    for (let body = 0; body < module.bodies.length; body += 1) {
      const { start, end } = module.bodies[body]!;
      const first = edit;
      let growth = 0;
      for (; edit < edits.count && position[edit]! < end; edit += 1) {
        growth += length[edit]! - removed[edit]!;
      }
      this.#first[body] = first;
      const types = locals.get(body);
      if (edit === first && types === undefined) continue;
      if (edit > first) this.#checkPlaces(body, first, edit);
      if (types !== undefined) {
        const { groups, width, added, addedBytes } = measureHead(module.bytes, start, types);
        growth += unsignedLength(groups + added) - width + addedBytes;
      }
      checkBody(module.importedFunctions + body, end - start + growth);
      this.#lengths[body] = end - start + growth;
    }
    this.#first[module.bodies.length] = edit;
    if (edit < edits.count) this.#refuse(edit);
  }

  /** All edits of a body apply to its instructions, or one replaces the whole body. */
  #checkPlaces(body: number, first: number, end: number): void {
    const { position, removed } = this.edits;
    const extent = this.module.bodies[body]!;
    const at = position[first]!;
    const whole = at === extent.start && removed[first] === extent.end - extent.start;
    if (whole ? this.locals.has(body) : at < this.module.heads.code[body]!) this.#refuse(first);
    if (position[end - 1]! + removed[end - 1]! > extent.end) this.#refuse(end - 1);
  }

  /** Offset of the body of function `index`, which is not imported. */
  bodyStart(index: number): number {
    this.#starts ??= this.#placeBodies();
    return this.#starts[index - this.module.importedFunctions]!;
  }

  #placeBodies(): Uint32Array {
    const { bodies } = this.module;
    const starts = new Uint32Array(bodies.length);
    let at = unsignedLength(bodies.length + this.appended.length);
    bodies.forEach(({ start, end }, body) => {
      const changed = this.#lengths[body]!;
      const before = body === 0 ? this.#afterCount : bodies[body - 1]!.end;
      at += changed === 0 ? start - before : unsignedLength(changed);
      starts[body] = at;
      at += changed === 0 ? end - start : changed;
    });
    return starts;
  }

  #refuse(edit: number): never {
    const at = this.edits.position[edit]!.toString(16);
    throw new InvalidArgumentError('position', `an edit at 0x${at} does not apply to instructions of a body`);
  }

  /** Places every body and every edit. Mirrors `write`, which copies what is placed here. */
  #place(): { runs: CodeRuns; size: number } {
    const { module, edits, insertedAt } = this;
    const { bodies, codeStart } = module;
    const { position, removed, length } = edits;
    const runs = new RunRecorder(2 * edits.count + 4 * bodies.length + 1);
    let at = unsignedLength(bodies.length + this.appended.length);
    let copied = this.#afterCount;
    const copyTo = (offset: number): void => {
      runs.add(at, copied - codeStart, offset - copied);
      at += offset - copied;
      copied = offset;
    };
    for (let body = 0; body < bodies.length; body += 1) {
      if (this.#lengths[body] === 0) continue;
      const { start } = bodies[body]!;
      copyTo(body === 0 ? this.#afterCount : bodies[body - 1]!.end);
      at += unsignedLength(this.#lengths[body]!);
      copied = start;
      const types = this.locals.get(body);
      if (types !== undefined) {
        const { groups, width, added, addedBytes } = measureHead(module.bytes, start, types);
        at += unsignedLength(groups + added);
        copied += width;
        copyTo(module.heads.code[body]!);
        at += addedBytes;
      }
      for (let edit = this.#first[body]!; edit < this.#first[body + 1]!; edit += 1) {
        copyTo(position[edit]!);
        insertedAt[edit] = at;
        runs.add(at, copied - codeStart, Math.min(length[edit]!, removed[edit]!));
        at += length[edit]!;
        copied += removed[edit]!;
      }
    }
    copyTo(module.codeEnd);
    for (const body of this.appended) at += unsignedLength(body.length) + body.length;
    return { runs: runs.take(), size: at };
  }

  /** File offset after the number of bodies in the original; 0 if the original has no code. */
  get #afterCount(): number {
    const { bytes, codeStart } = this.module;
    return codeStart === 0 ? 0 : skipLeb(bytes, codeStart);
  }

  /** Writes the payload to `out` at `start`; returns the offset after it. */
  write(out: Uint8Array, start: number): number {
    const { module, edits } = this;
    const { bytes, bodies } = module;
    const { position, removed, from, length, inserted } = edits;
    let at = writeUnsigned(out, start, bodies.length + this.appended.length);
    // Everything before `copied` is in the output, changed or not.
    let copied = this.#afterCount;
    for (let body = 0; body < bodies.length; body += 1) {
      if (this.#lengths[body] === 0) continue;
      at = copyRange(bytes, copied, body === 0 ? this.#afterCount : bodies[body - 1]!.end, out, at);
      at = writeUnsigned(out, at, this.#lengths[body]!);
      copied = bodies[body]!.start;
      const types = this.locals.get(body);
      if (types !== undefined) {
        at = this.#writeHead(body, types, out, at);
        copied = module.heads.code[body]!;
      }
      for (let edit = this.#first[body]!; edit < this.#first[body + 1]!; edit += 1) {
        at = copyRange(bytes, copied, position[edit]!, out, at);
        at = copyRange(inserted, from[edit]!, from[edit]! + length[edit]!, out, at);
        copied = position[edit]! + removed[edit]!;
      }
    }
    at = copyRange(bytes, copied, module.codeEnd, out, at);
    for (const body of this.appended) {
      at = writeUnsigned(out, at, body.length);
      at = copyRange(body, 0, body.length, out, at);
    }
    return at;
  }

  #writeHead(body: number, types: readonly number[], out: Uint8Array, offset: number): number {
    const { bytes, bodies, heads } = this.module;
    const { start } = bodies[body]!;
    const { groups, width, added } = measureHead(bytes, start, types);
    let at = writeUnsigned(out, offset, groups + added);
    at = copyRange(bytes, start + width, heads.code[body]!, out, at);
    eachGroup(types, (length, type) => {
      at = writeUnsigned(out, at, length);
      out[at++] = type;
    });
    return at;
  }
}
