// What a program says itself about its heap: leak checks that it asks for, requests that nobody could follow, and the
// functions by which LeakSanitizer's users suppress leaks in their own code (__lsan_default_suppressions,
// __lsan_is_turned_off).

import { savedSet } from '../algorithms/saved.ts';
import type { WasmExports } from '../binary/wasm-types.ts';
import type { LeakCheckCounts, RequestRecord } from '../heap/index.ts';
import {
  type LeakCount,
  type LeakReport,
  parseSuppressions,
  type Suppression,
  suppress,
} from '../report/index.ts';
import { decodeCString } from './memory-access.ts';

/** Notes that are kept; further ones would be of no use to anybody. */
const MOST_NOTES = 20;

/** The names of requests whose argument may be wrong, by their codes. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x1303, 'VALGRIND_CREATE_MEMPOOL_EXT with VALGRIND_MEMPOOL_AUTO_FREE'],
  [0x48_4c_00_01, '__lsan_ignore_object'],
  [0x48_4c_00_03, '__lsan_enable without __lsan_disable'],
  [0x48_4c_00_05, '__lsan_unregister_root_region'],
]);

const TURNED_OFF = 'The program has turned its leak reports off: its __lsan_is_turned_off() returns 1.';

/** The name under which reports list the program's own suppressions. */
const OWN_FILE = '__lsan_default_suppressions()';

/** The requests of one guest. */
export class ClientRequests {
  readonly #exports: WasmExports;
  readonly #memory: { readonly buffer: ArrayBufferLike };
  readonly #notes = new Set<string>();
  #own: { readonly isOff: boolean; readonly suppressions: readonly Suppression[] } | null = null;

  constructor(exports: WasmExports, memory: { readonly buffer: ArrayBufferLike }) {
    this.#exports = exports;
    this.#memory = memory;
  }

  /** Saves for a snapshot what was mentioned so far. */
  save(): () => void {
    return savedSet(this.#notes);
  }

  /** What reports say of the requests so far. */
  get notes(): readonly string[] {
    return [...this.#notes];
  }

  /** Mentions a request that the runtime could not follow. The same mistake is mentioned once. */
  mention(request: Extract<RequestRecord, { kind: 'ignored' }>): void {
    if (this.#notes.size < MOST_NOTES) this.#notes.add(noteOf(request));
  }

  /** The report without what the program itself wants left out. */
  filtered(report: LeakReport): LeakReport {
    const { isOff, suppressions } = this.#own ?? this.#ask();
    if (isOff) return report.with({ records: [], notes: [...report.notes, TURNED_OFF] });
    if (suppressions.length === 0) return report;
    // Suppressions in a program are for all its runs, so those that match nothing are not worth a word.
    return suppress(report, suppressions).with({ unusedSuppressions: report.unusedSuppressions });
  }

  // The functions return constants, so they are asked once.
  #ask(): { readonly isOff: boolean; readonly suppressions: readonly Suppression[] } {
    const { __lsan_is_turned_off: off, __lsan_default_suppressions: list } = this.#exports;
    const isOff = typeof off === 'function' && off() === 1;
    const address = typeof list === 'function' ? Number(list()) >>> 0 : 0;
    const text = address === 0 ? '' : decodeCString(new Uint8Array(this.#memory.buffer), address);
    this.#own = { isOff, suppressions: parseSuppressions(text, OWN_FILE) };
    return this.#own;
  }
}

function noteOf({ code, argument }: Extract<RequestRecord, { kind: 'ignored' }>): string {
  const name = NAMES.get(code);
  if (name === undefined) {
    return `The program has made a client request that Heapline does not know (0x${code.toString(16)}): it was ignored.`;
  }
  const why = /ignore_object/.test(name)
    ? `: there is no block at 0x${argument.toString(16)}`
    : /root_region/.test(name)
      ? `: there is no such region at 0x${argument.toString(16)}`
      : '';
  return `A request of the program was ignored: ${name}${why}.`;
}

/** The counts that the program is told. */
export function countsOf({ totals, suppressed }: LeakReport): LeakCheckCounts {
  const { definite, indirect, possible, reachable } = totals;
  return {
    lost: { blocks: definite.blocks + indirect.blocks, bytes: definite.bytes + indirect.bytes },
    possible,
    reachable,
    suppressed: sum(suppressed.flatMap(({ record }) => [record, record.indirect])),
  };
}

function sum(counts: readonly LeakCount[]): LeakCount {
  return counts.reduce(
    (all, { blocks, bytes }) => ({ blocks: all.blocks + blocks, bytes: all.bytes + bytes }),
    { blocks: 0, bytes: 0 },
  );
}
