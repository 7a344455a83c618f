// Checks sandboxes automatically at the end of each test. A sandbox that the test opened is checked as a whole; a
// sandbox that was open before is checked for the allocations of the test. A sandbox that the test disposes of is
// checked just before. Sandboxes that trapped in the test are skipped, because the trap lost what the interrupted
// calls held, not the program.

import type { HeapMark } from '../leaks/index.ts';
import { readOptions } from '../options/option-table.ts';
import type { AssertLeaksOptions, Sandbox } from '../sandbox/index.ts';
import { ASSERT_LEAKS_OPTIONS, openSandboxes, watchSandboxes } from '../sandbox/index.ts';
import { judgeLeaks, type LeakSettings, leakVerdict, type Verdict } from './judgements.ts';

/** The sandboxes that are opened and disposed of during one test. */
export class AutoCheck {
  readonly #options: LeakSettings;
  readonly #marks = new Map<Sandbox<object>, HeapMark>();
  readonly #opened = new Set<Sandbox<object>>();
  readonly #verdicts: Verdict[] = [];
  readonly #unwatch: () => void;

  /** Called when the test starts. */
  constructor(options: AssertLeaksOptions = {}) {
    this.#options = readOptions('autoCheck', options, ASSERT_LEAKS_OPTIONS);
    for (const sandbox of openSandboxes()) this.#marks.set(sandbox, sandbox.heap.mark());
    this.#unwatch = watchSandboxes({
      opened: (sandbox) => this.#opened.add(sandbox),
      disposing: (sandbox) => this.#check(sandbox),
    });
  }

  /** Called when the test ends. @returns the sandboxes that are not clean */
  end(): readonly Verdict[] {
    this.#unwatch();
    for (const sandbox of [...this.#opened, ...this.#marks.keys()]) {
      if (!sandbox.disposed) this.#check(sandbox);
    }
    return this.#verdicts;
  }

  #check(sandbox: Sandbox<object>): void {
    const { kinds, root, ...rest } = this.#options;
    const mark = this.#marks.get(sandbox);
    const opened = this.#opened.delete(sandbox);
    this.#marks.delete(sandbox);
    if (mark === undefined && !opened) return;
    if (mark === undefined ? sandbox.trapped : sandbox.heap.mark().traps !== mark.traps) return;
    const verdict =
      mark === undefined
        ? judgeLeaks('autoCheck', sandbox, this.#options)
        : leakVerdict(sandbox.heap.leaksSince(mark, rest), kinds, root);
    if (verdict.found) this.#verdicts.push(verdict);
  }
}
