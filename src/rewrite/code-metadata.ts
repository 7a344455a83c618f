// Notes about instructions, which custom sections `metadata.code.*` hold: branch hints, among others
// (https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md). A note names its instruction
// by the offset in the function's body, so every edit before the instruction makes it stale. Engines report
// no error then and heed no hint. Notes of the original are therefore moved with their instructions, and new
// ones are placed when the place of all code is known.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { ByteReader, ByteWriter, type WasmModule } from '../binary/index.ts';
import { InvalidModuleError } from '../errors.ts';
import type { InsertedHint, OrderedEdits } from './code-edits.ts';
import type { CodeLayout } from './code-layout.ts';
import type { OffsetMap } from './offset-map.ts';

/** The beginning of the names of these sections. */
export const METADATA_PREFIX = 'metadata.code.';
/** Hints by which engines lay out code: a branch is likely (1) or unlikely (0) to be taken. */
export const BRANCH_HINTS = 'metadata.code.branch_hint';

const LIKELY = Uint8Array.of(1);
const UNLIKELY = Uint8Array.of(0);

interface Note {
  /** Offset from the start of the function's body. */
  readonly offset: number;
  readonly content: Uint8Array;
}

/** Notes by function index. */
export type Notes = Map<number, Note[]>;

/** Reads the content of such a section; null if it is malformed, in which case nobody can use it. */
export function readNotes(content: Uint8Array): Notes | null {
  const notes: Notes = new Map();
  try {
    const reader = new ByteReader(content);
    for (let functions = reader.count(2); functions > 0; functions -= 1) {
      const index = reader.u32();
      const list: Note[] = [];
      for (let count = reader.count(2); count > 0; count -= 1) {
        const offset = reader.u32();
        const { offset: start, end } = reader.slice(reader.u32());
        list.push({ offset, content: content.subarray(start, end) });
      }
      notes.set(index, list);
    }
    return reader.done ? notes : null;
  } catch (error) {
    if (error instanceof InvalidModuleError) return null;
    throw error;
  }
}

/** The content of a section with these notes, in the order that the format requires. */
export function encodeNotes(notes: Notes): Uint8Array {
  const writer = new ByteWriter(1024);
  const functions = [...notes].filter(([, list]) => list.length > 0).sort(([a], [b]) => a - b);
  writer.unsigned(functions.length);
  for (const [index, list] of functions) {
    writer.unsigned(index);
    writer.unsigned(list.length);
    for (const { offset, content } of inOrder(list)) {
      writer.unsigned(offset);
      writer.unsigned(content.length);
      writer.copy(content);
    }
  }
  return writer.take();
}

/** Sorting takes longer than finding that there is nothing to sort. */
function inOrder(list: readonly Note[]): readonly Note[] {
  for (let index = 1; index < list.length; index += 1) {
    if (list[index]!.offset < list[index - 1]!.offset) return list.toSorted((a, b) => a.offset - b.offset);
  }
  return list;
}

/** Moves notes between the bodies of a module and those of its rewritten form. */
export class NoteMover {
  readonly #bodyEnds: readonly number[];

  constructor(
    readonly module: WasmModule,
    readonly layout: CodeLayout,
    /** The map of the layout, with the payload of the code section at offset 0. */
    readonly offsets: OffsetMap,
  ) {
    this.#bodyEnds = module.bodies.map(({ end }) => end);
  }

  /** The notes at their new offsets. Those about instructions that are no longer there are left out. */
  move(notes: Notes): Notes {
    const moved: Notes = new Map();
    for (const [index, list] of notes) {
      const body = this.module.bodies[index - this.module.importedFunctions];
      if (body === undefined) continue;
      const kept: Note[] = [];
      for (const { offset, content } of list) {
        const position = body.start + offset;
        if (position >= body.end || isReplaced(this.layout.edits, position)) continue;
        const place = this.offsets.toRewritten(position - this.module.codeStart);
        if (place !== null) kept.push({ offset: place - this.layout.bodyStart(index), content });
      }
      moved.set(index, kept);
    }
    return moved;
  }

  /** Adds hints about branches that were inserted. */
  addHints(notes: Notes, hints: readonly InsertedHint[]): void {
    const { layout, module } = this;
    const { edits, insertedAt } = layout;
    // Hints that follow each other are usually of one function.
    let body = -1;
    let start = 0;
    let list: Note[] = [];
    for (const { edit, at, likely } of hints) {
      const place = edits.placeOf(edit);
      const position = edits.position[place]!;
      const known = module.bodies[body];
      if (known === undefined || position < known.start || position >= known.end) {
        body = lastAtMost(this.#bodyEnds, position) + 1;
        const index = module.importedFunctions + body;
        start = layout.bodyStart(index);
        list = notes.get(index) ?? [];
        notes.set(index, list);
      }
      const offset = insertedAt[place]! + (at - edits.from[place]!) - start;
      list.push({ offset, content: likely ? LIKELY : UNLIKELY });
    }
  }
}

function isReplaced({ position, removed, count }: OrderedEdits, at: number): boolean {
  const edit = lastAtMost(position, at, 0, count);
  return edit >= 0 && at < position[edit]! + removed[edit]!;
}
