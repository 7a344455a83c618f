// Blocks that C++ frees in another way than the one in which it allocated them: new and free(), new[] and delete, and so
// on. The runtime suspects them by the call sites of the operators. Here debug information has the last word: it knows
// operators that were inlined into their callers, and operators of the program's own. A program that has its own decides
// itself what fits together, so nothing is reported that leads through them; AddressSanitizer does the same.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { CorruptLedgerError } from '../errors.ts';
import { type Frame, isLibraryFile } from '../frames/index.ts';
import type { Ledger } from '../heap/index.ts';
import type { RuntimeFunctions } from '../runtime/index.ts';
import * as layout from '../runtime/layout.ts';
import { type OperatorCode, operatorNamed, operatorsOf } from './operators.ts';
import type { Subject } from './subject.ts';

/** One way, as the innermost call sites of a context tell it. */
interface Told {
  readonly way: number;
  /** Whether an operator of the program's own takes part. */
  readonly replaced: boolean;
  /** Whether debug information knows one of the functions. */
  readonly hasLines: boolean;
}

/** Judges suspicions of the runtime of one guest. */
export class MismatchJudge {
  /** By where they begin. */
  readonly #operators: readonly OperatorCode[];
  readonly #starts: readonly number[];

  constructor(
    operators: readonly OperatorCode[],
    private readonly subject: Pick<Subject, 'symbols'>,
    private readonly ledger: Ledger,
  ) {
    this.#operators = operators.toSorted((a, b) => a.start - b.start);
    this.#starts = this.#operators.map(({ start }) => start);
  }

  /** Judges the suspicion at this address, and tells the runtime when it is right. */
  judge(record: number): void {
    const { context, allocContext, reallocates, ofSize } = this.ledger.suspicionAt(record);
    let freed: Told;
    let allocated: Told;
    try {
      [freed, allocated] = [this.#told(context), this.#told(allocContext)];
    } catch (error) {
      // The program has overwritten the tree: nobody knows the ways any more.
      if (error instanceof CorruptLedgerError) return;
      throw error;
    }
    const fits = freed.way === allocated.way && !(ofSize && freed.way !== layout.WAY_MALLOC);
    if (fits || freed.replaced || allocated.replaced) return;
    // Without debug information nobody knows what was inlined.
    if (!freed.hasLines && !allocated.hasLines) return;
    const frees = freed.way === layout.WAY_MALLOC && reallocates ? layout.WAY_REALLOC : freed.way;
    this.ledger.confirmSuspicion(record, allocated.way, frees);
  }

  #told(node: number): Told {
    this.ledger.checkContext(node);
    let way: number = layout.WAY_MALLOC;
    let replaced = false;
    let inside = true;
    let hasLines = false;
    for (const site of this.ledger.sites(node)) {
      if (site >= layout.SITE_HOST_FLAG) break;
      const frames = this.subject.symbols.frames(site);
      hasLines ||= frames.some(({ file }) => file !== '');
      const code = this.#operatorAt(site);
      for (const { way: each, frame } of inside ? operatorsAt(code, frames) : []) {
        if (each !== layout.WAY_MALLOC) way = each;
        replaced ||= frame.file !== '' && !isLibraryFile(frame.file);
      }
      inside &&= code !== undefined;
      if (!inside && hasLines) break;
    }
    return { way, replaced, hasLines };
  }

  /** The operator whose code has this call site. */
  #operatorAt(site: number): OperatorCode | undefined {
    const found = this.#operators[lastAtMost(this.#starts, site)];
    return found !== undefined && site < found.end ? found : undefined;
  }
}

/** The operators at a call site, innermost first. @param code the operator whose code it is in, if it is in one's */
function operatorsAt(
  code: OperatorCode | undefined,
  frames: readonly Frame[],
): readonly { readonly way: number; readonly frame: Frame }[] {
  if (code !== undefined) return [{ way: code.way, frame: frames.at(-1)! }];
  const found: { way: number; frame: Frame }[] = [];
  for (const frame of frames) {
    const inlined = operatorNamed(frame.linkageName);
    if (inlined === null) break;
    found.push({ way: inlined.way, frame });
  }
  return found;
}

/** Tells the runtime where the operators are. Returns the judge; null for a module in which nothing can be told. */
export function judgeMismatches(
  subject: Subject,
  ledger: Ledger,
  { heapline_operator_add: add }: Partial<RuntimeFunctions>,
): MismatchJudge | null {
  if (add === undefined) return null;
  const operators = operatorsOf(subject.module, subject.toolchain !== null);
  if (operators.length === 0) return null;
  for (const { start, end, way } of operators) add(start, end - start, way);
  return new MismatchJudge(operators, subject, ledger);
}
