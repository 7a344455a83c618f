// Isolation of tests: undoes what a test does in the sandboxes that were open before it. That is what happens between the
// test's start and its end, with beforeEach, afterEach and fixtures. What beforeAll and afterAll do stays. They run only
// where the suite changes from one test to the next, so the sandboxes are saved anew there, and nowhere else.

import { StateError } from '../errors.ts';
import { openSandboxes, type Sandbox, type SandboxSnapshot } from '../sandbox/index.ts';

/** The sandboxes that each test of a file finds as the test before it did. */
export class Isolation {
  readonly #saved = new Map<Sandbox<object>, SandboxSnapshot>();
  /** Sandboxes that a test opened, and those of which there are no snapshots. */
  readonly #leftAlone = new WeakSet<Sandbox<object>>();
  #suite: object | null = null;
  #running = false;

  /** Called when a test of this suite starts, again for each retry. */
  begin(suite: object): void {
    if (this.#running) {
      throw new StateError(
        "isolate: 'snapshot' is set, and this test starts while another one is running: it would be undone together with " +
          'that one. Tests that share sandboxes cannot be concurrent.',
      );
    }
    if (suite !== this.#suite) this.#saved.clear();
    this.#suite = suite;
    for (const sandbox of openSandboxes()) {
      if (!this.#saved.has(sandbox) && !this.#leftAlone.has(sandbox)) this.#save(sandbox);
    }
    this.#running = true;
  }

  /** Called when everything that cleans up after the test has run. */
  end(): void {
    this.#running = false;
    const errors: unknown[] = [];
    for (const sandbox of openSandboxes()) {
      const snapshot = this.#saved.get(sandbox);
      if (snapshot === undefined) {
        this.#leftAlone.add(sandbox);
        continue;
      }
      try {
        sandbox.restore(snapshot);
      } catch (error) {
        errors.push(error);
      }
    }
    for (const sandbox of this.#saved.keys()) if (sandbox.disposed) this.#saved.delete(sandbox);
    if (errors.length > 0) throw new AggregateError(errors, 'The test could not be undone.');
  }

  #save(sandbox: Sandbox<object>): void {
    try {
      this.#saved.set(sandbox, sandbox.snapshot());
    } catch (error) {
      const { message } = error as Error;
      // The sandbox may come from another bundle of this package, so its errors are known by their codes.
      if ((error as { code?: unknown }).code !== 'HEAPLINE_UNSUPPORTED_MODULE') {
        throw new StateError(`isolate: 'snapshot' cannot save ${sandbox.instance}. ${message}`, {
          cause: error,
        });
      }
      this.#leftAlone.add(sandbox);
      process.emitWarning(
        `isolate: 'snapshot' leaves ${sandbox.instance} as each test leaves it. ${message}`,
        {
          code: 'HEAPLINE_NOT_ISOLATED',
        },
      );
    }
  }
}
