// Scopes that nest and overlap, over contexts that are buds at first and grow while scopes are open: what each scope
// allocated, held at most and left behind, and the peak of the whole run, are those of a model beside it.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layout } from '../../src/heap/index.ts';
import type { Sandbox, ScopeResult } from '../../src/index.ts';
import { load } from '../support/guest-programs.ts';

/** The number of blocks that programs/paths.c remembers. */
const MOST_BLOCKS = 4096;

interface Amount {
  objects: number;
  bytes: number;
}

/** The model's view of an open scope. */
interface OpenScope {
  readonly start: Amount;
  readonly allocated: Amount;
  readonly peak: Amount;
  readonly firstBlock: number;
}

class Model {
  readonly inUse: Amount = { objects: 0, bytes: 0 };
  readonly allocated: Amount = { objects: 0, bytes: 0 };
  readonly peak: Amount = { objects: 0, bytes: 0 };
  /** The size and path of each block in use, by number of the allocation. */
  readonly blocks = new Map<number, { size: number; path: string }>();
  readonly #open = new Set<OpenScope>();
  /** Bytes by path when the heap was at its peak. */
  peakPaths = new Map<string, number>();

  constructor(
    readonly sandbox: Sandbox,
    /** Whether each context has its own counters; otherwise only the sums are compared. */
    readonly byContext: boolean,
  ) {}

  allocate(path: number, depth: number, size: number): void {
    if (this.allocated.objects === MOST_BLOCKS) return;
    this.sandbox.exports.even!(path, depth, size);
    const name = `even ${(path % 2 ** depth).toString(2)} ${depth}`;
    this.blocks.set(this.allocated.objects, { size, path: name });
    this.allocated.objects += 1;
    this.allocated.bytes += size;
    this.inUse.objects += 1;
    this.inUse.bytes += size;
    for (const { peak } of this.#open) if (this.inUse.bytes > peak.bytes) Object.assign(peak, this.inUse);
    if (this.inUse.bytes > this.peak.bytes) {
      Object.assign(this.peak, this.inUse);
      this.peakPaths = new Map();
      for (const block of this.blocks.values()) {
        this.peakPaths.set(block.path, (this.peakPaths.get(block.path) ?? 0) + block.size);
      }
    }
  }

  free(which: number): void {
    const numbers = [...this.blocks.keys()];
    const number = numbers[which % numbers.length];
    if (number === undefined) return;
    this.sandbox.exports.drop!(number);
    this.inUse.objects -= 1;
    this.inUse.bytes -= this.blocks.get(number)!.size;
    this.blocks.delete(number);
  }

  open(): OpenScope {
    const scope = {
      start: { ...this.inUse },
      allocated: { ...this.allocated },
      peak: { ...this.inUse },
      firstBlock: this.allocated.objects,
    };
    this.#open.add(scope);
    return scope;
  }

  /** The scope ended without a result. */
  forget(scope: OpenScope): void {
    this.#open.delete(scope);
  }

  close(scope: OpenScope, { allocated, peak, leaks }: ScopeResult<unknown>): void {
    this.forget(scope);
    expect(allocated).toEqual({
      objects: this.allocated.objects - scope.allocated.objects,
      bytes: this.allocated.bytes - scope.allocated.bytes,
    });
    expect(peak.bytes).toBe(scope.peak.bytes - scope.start.bytes);
    if (peak.bytes > 0) expect(peak.objects).toBe(Math.max(0, scope.peak.objects - scope.start.objects));
    const left = [...this.blocks].filter(([number]) => number >= scope.firstBlock);
    expect(leaks.records.reduce((sum, record) => sum + record.bytes, 0)).toBe(
      left.reduce((sum, [, { size }]) => sum + size, 0),
    );
    this.compare();
  }

  /** The peak is that of the whole run, context by context, whether or not scopes are open. */
  compare(): void {
    const { heap } = this.sandbox;
    expect(heap.stats()).toMatchObject({
      inUseObjects: this.inUse.objects,
      inUseBytes: this.inUse.bytes,
      peakObjects: this.peak.objects,
      peakBytes: this.peak.bytes,
    });
    if (!this.byContext) return;
    const paths = new Map<string, number>();
    for (const { frames, values } of heap.profile({ kind: 'peak' }).samples()) {
      const steps = frames.map((frame) => frame.function).filter((name) => name === 'odd' || name === 'even');
      // The innermost step comes first. The outermost step is always `even` and is left out.
      const bits = steps.slice(0, -1).map((name) => (name === 'odd' ? '1' : '0'));
      const path = `even ${Number.parseInt(`0${bits.join('')}`, 2).toString(2)} ${bits.length}`;
      paths.set(path, (paths.get(path) ?? 0) + values[1]!);
    }
    expect(paths).toEqual(this.peakPaths);
  }
}

type Step =
  | { readonly do: 'allocate'; readonly path: number; readonly depth: number; readonly size: number }
  | { readonly do: 'free'; readonly which: number }
  | { readonly do: 'scope'; readonly steps: readonly Step[]; readonly fails: boolean }
  | { readonly do: 'look' }
  | { readonly do: 'begin' }
  | { readonly do: 'end'; readonly which: number };

const { steps } = fc.letrec<{ steps: Step[]; step: Step }>((tie) => ({
  step: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('allocate' as const),
        path: fc.nat(15),
        depth: fc.nat(5),
        size: fc.integer({ min: 1, max: 200 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('free' as const), which: fc.nat(99) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(9) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('scope' as const), steps: tie('steps'), fails: fc.boolean() }),
    },
  ),
  steps: fc.array(tie('step'), { maxLength: 30 }),
}));

/** Makes the runtime go on as if it had seen so many peaks. */
function setPeakEpoch(sandbox: Sandbox, epoch: number): void {
  const words = new Uint32Array(sandbox.memory.buffer);
  const runtime = words.findIndex(
    (word, at) => word === layout.MAGIC && words[at + 1] === layout.ABI_VERSION,
  );
  words[runtime + layout.RUNTIME_PEAK_EPOCH / 4] = epoch;
}

/** The number of the first peak that is too long for a bud. */
const LATE_EPOCH = 2 ** (32 - layout.BUD_EPOCH_SHIFT);

test.each([
  ['at the start of a run', 1, 150, true],
  // A bud that is freed too late for its fields is counted in the account of a caller (csrc/buds.c).
  ['when there were nearly, and then more peaks than a bud can count', LATE_EPOCH - 4, 100, false],
  ['when there were more peaks than a bud can count', LATE_EPOCH + 1, 30, true],
])(
  'scopes that nest, overlap and fail, while contexts grow, equal the model %s',
  async (_, epoch, runs, byContext) => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        using sandbox = await load('clang', 'paths.c');
        setPeakEpoch(sandbox, epoch);
        const model = new Model(sandbox, byContext);
        const overlapping: { scope: OpenScope; end: () => void; result: Promise<ScopeResult<void>> }[] = [];
        const end = async (which: number): Promise<void> => {
          const [ended] = overlapping.splice(which % (overlapping.length || 1), 1);
          if (ended === undefined) return;
          ended.end();
          model.close(ended.scope, await ended.result);
        };
        const run = (step: Exclude<Step, { do: 'end' }>): void => {
          if (step.do === 'allocate') model.allocate(step.path, step.depth, step.size);
          else if (step.do === 'free') model.free(step.which);
          else if (step.do === 'look') model.compare();
          else if (step.do === 'begin') {
            const scope = model.open();
            let resolve!: () => void;
            const ended = new Promise<void>((done) => {
              resolve = done;
            });
            overlapping.push({ scope, end: resolve, result: sandbox.heap.scope(() => ended) });
          } else {
            const scope = model.open();
            const failure = new Error('of the work');
            const work = (): void => {
              // A scope that is not async cannot wait.
              for (const inner of step.steps) if (inner.do !== 'end') run(inner);
              if (step.fails) throw failure;
            };
            if (step.fails) {
              expect(() => sandbox.heap.scope(work)).toThrow(failure);
              model.forget(scope);
            } else {
              model.close(scope, sandbox.heap.scope(work));
            }
          }
        };
        for (const step of steps) {
          if (step.do === 'end') await end(step.which);
          else run(step);
        }
        while (overlapping.length > 0) await end(0);
        model.compare();
      }),
      { numRuns: runs, interruptAfterTimeLimit: 60_000 }, // the limit is for shrinking
    );
  },
);
