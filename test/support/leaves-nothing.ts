// The set-up of test files that share a process with others. A file that leaves a setting of the process changed fails.
// Its sandboxes are disposed of when it ends, and the next file counts sandboxes from the beginning.

import { afterAll } from 'vitest';

/** The list of open sandboxes (src/sandbox/registry.ts). */
const SANDBOXES = Symbol.for('heapline.sandboxes');

/** What all code of a process sees. */
const settings = () => ({
  environment: { ...process.env },
  'working directory': process.cwd(),
  'Error.stackTraceLimit': Error.stackTraceLimit,
  'Error.prepareStackTrace': Error.prepareStackTrace,
});

/** The names of the settings that differ, those of single variables too. */
function changed(before: object, after: object): string[] {
  const [old, now] = [before, after].map((each) => new Map(Object.entries(each)));
  return [...new Set([...old!.keys(), ...now!.keys()])].flatMap((name) => {
    const [a, b] = [old!.get(name), now!.get(name)];
    const nested = typeof a === 'object' && typeof b === 'object';
    if (nested) return changed(a, b).map((inner) => `${name}: ${inner}`);
    return a === b ? [] : [name];
  });
}

interface Registry {
  readonly entries: Iterable<{
    readonly handle: WeakRef<{ readonly sandbox: { dispose(): void } | null }>;
  }>;
}

const before = settings();

afterAll(() => {
  const shared = globalThis as { [SANDBOXES]?: Registry };
  for (const { handle } of [...(shared[SANDBOXES]?.entries ?? [])]) handle.deref()?.sandbox?.dispose();
  delete shared[SANDBOXES];
  const left = changed(before, settings());
  if (left.length === 0) return;
  throw new Error(
    `This file leaves these settings of the process changed: ${left.join(', ')}. Restore them at its end, or list the ` +
      'file in test/support/own-process.ts.',
  );
});
