// Loads the C programs of test/sandbox with each toolchain, and reads the contents of their heaps.

import { type LoadCOptions, loadC, type Sandbox } from '../../src/index.ts';

export const TOOLCHAINS = ['clang', 'emscripten', 'embedded'] as const;
export type ToolchainName = (typeof TOOLCHAINS)[number];

export const programPath = (name: string): string =>
  new URL(`../sandbox/programs/${name}`, import.meta.url).pathname;

export function load(toolchain: ToolchainName, name: string, options: LoadCOptions = {}): Promise<Sandbox> {
  return loadC(programPath(name), { toolchain, flags: ['-O1'], ...options });
}

/** Bytes in use by stack, outermost function first, joined with ';'. */
export function held(sandbox: Sandbox): Record<string, number> {
  const snapshot = sandbox.heap.snapshot();
  const result: Record<string, number> = {};
  for (let i = 0; i < snapshot.count; i++) {
    if (snapshot.liveBytes[i] === 0) continue;
    const names = sandbox.heap.contextFrames(snapshot.node[i]!).map((frame) => frame.function);
    const stack = names.reverse().join(';');
    result[stack] = (result[stack] ?? 0) + snapshot.liveBytes[i]!;
  }
  return result;
}

/** The error that a call throws. */
export function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('The call threw no error.');
}
