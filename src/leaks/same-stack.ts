// Stacks as people see them. A compiler that unrolls a loop makes two call sites of one line, so two calling contexts
// may have the same frames: whoever reads a report takes them for one, and so do the reports.

import type { Frame } from '../errors.ts';

/** Tells equal stacks by equal keys. Frames that symbolising has cached are read once. */
export class StackKeys {
  readonly #ids = new WeakMap<Frame, number>();
  readonly #idOf = new Map<string, number>();

  keyOf(frames: readonly Frame[]): string {
    return frames.map((frame) => this.#frameId(frame)).join(' ');
  }

  #frameId(frame: Frame): number {
    let id = this.#ids.get(frame);
    if (id !== undefined) return id;
    const { function: name, linkageName, file, line, column, inlined, language } = frame;
    const text = JSON.stringify([name, linkageName, file, line, column, inlined, language]);
    id = this.#idOf.get(text);
    if (id === undefined) {
      id = this.#idOf.size;
      this.#idOf.set(text, id);
    }
    this.#ids.set(frame, id);
    return id;
  }
}
