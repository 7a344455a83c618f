// Views of C's data in a guest's memory: what sandbox.view() needs of the session.

import type { ContentsMemory, SampledGroup, SampledSum } from '../contents/index.ts';
import { CorruptLedgerError } from '../errors.ts';
import { type HeapBlock, MemoryView } from '../heap/index.ts';
import type { BlockContents } from '../report/index.ts';
import { describing, viewing } from './module-symbols.ts';
import type { Session } from './session.ts';

/** The memory of one guest, for views. */
export class GuestViews implements ContentsMemory {
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

  blockAt(address: number): HeapBlock | null {
    return this.#session.ledger.blockAt(address);
  }

  /** What the sampled blocks contain, where it is known. */
  contents(groups: readonly SampledGroup[]): ReadonlyMap<SampledSum, BlockContents> {
    const room = describing();
    if (room === null || groups.length === 0) return new Map();
    const { ledger, subject } = this.#session;
    try {
      return room.contentsOfGroups(groups, subject.symbols.allocations(), this, (node) => ledger.sites(node));
    } catch (error) {
      // A program that has ruined its heap still gets its report.
      if (error instanceof CorruptLedgerError) return new Map();
      throw error;
    }
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
