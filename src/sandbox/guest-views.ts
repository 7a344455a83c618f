// Views of C's data in a guest's memory: what sandbox.view() needs of the session.

import type { ViewedBlock, ViewedMemory } from '../c-types/index.ts';
import { MemoryView } from '../heap/index.ts';
import { viewing } from './module-symbols.ts';
import type { Session } from './session.ts';

/** The memory of one guest, for views. */
export class GuestViews implements ViewedMemory {
  readonly #session: Session;
  readonly #memory: MemoryView;
  #data: DataView;

  constructor(session: Session) {
    this.#session = session;
    this.#memory = new MemoryView(session.ledger.memory);
    this.#data = new DataView(session.ledger.memory.buffer);
  }

  get bytes(): Uint8Array {
    return this.#memory.bytes;
  }

  get data(): DataView {
    const { buffer } = this.#memory.memory;
    if (buffer !== this.#data.buffer) this.#data = new DataView(buffer);
    return this.#data;
  }

  get frees(): number {
    return this.#session.ledger.freedObjects;
  }

  checkOpen(): void {
    this.#session.check('view');
  }

  blockAt(address: number): ViewedBlock | null {
    return this.#session.ledger.blockAt(address);
  }

  /** The value of a type at an address. */
  view(type: string, pointer: number): unknown {
    this.checkOpen();
    const { viewAt } = viewing();
    return viewAt(this.#session.subject.symbols.types().find(type), pointer, this);
  }

  /** The values of an enumeration by their names. */
  enumerators(type: string): Readonly<Record<string, number | bigint>> {
    return viewing().enumeratorsOf(this.#session.subject.symbols.types().find(type));
  }
}
