// The page of the test in Chromium: uses heapline/core and posts its findings.

import { HeapProfile, instrument, loadWasm, openInstrumented, TrapError } from '../../src/core.ts';

/** Everything that the page found. The test compares it with the same work in Node.js. */
export interface Findings {
  readonly built: number;
  readonly stdout: string;
  readonly year: number;
  readonly inUseBytes: number;
  readonly lost: { readonly bytes: number; readonly blocks: number; readonly places: readonly string[] };
  readonly report: string;
  readonly top: string;
  /** Functions of the page that are in the stacks of the profile. */
  readonly callers: readonly string[];
  readonly trap: readonly string[];
  /** What limits of time and a signal lead to. */
  readonly limits: readonly string[];
  readonly codeGrowth: number;
  /** The profile in the format of pprof, in base64. */
  readonly pprof: string;
  readonly decodedTop: string;
}

declare global {
  interface Window {
    process?: unknown;
    Buffer?: unknown;
  }
}

/** The error of some work, or `done`. */
async function told(limited: () => PromiseLike<unknown>): Promise<string> {
  try {
    await limited();
    return 'done';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

async function work(): Promise<Findings> {
  if (globalThis.process !== undefined || globalThis.Buffer !== undefined)
    throw new Error('This is Node.js.');
  const bytes = new Uint8Array(await (await fetch('/list.wasm')).arrayBuffer());
  const sandbox = await loadWasm<{
    build(count: number): number;
    lose(count: number): number;
    year(): number;
    crash(): number;
  }>(bytes, { name: 'list.c' });
  const { exports, heap } = sandbox;
  function callFromThePage(): number {
    return exports.build(10);
  }
  const built = callFromThePage();
  exports.lose(3);
  const year = exports.year();
  const leaks = heap.leaks();
  const lost = leaks.definite;
  const profile = heap.profile();
  const pprof = profile.encode();
  const decoded = HeapProfile.decode(pprof);
  const callers = new Set<string>();
  for (const { frames } of profile.samples()) {
    for (const { function: name, language } of frames) if (language === 'js') callers.add(name);
  }
  let trap: readonly string[] = [];
  try {
    exports.crash();
  } catch (error) {
    if (!(error instanceof TrapError)) throw error;
    trap = error.frames.map((frame) => `${frame.function}:${frame.line}`);
  }
  const limits = [
    await told(() => loadWasm(bytes, { timeout: 500 })),
    await told(async () => sandbox.within({ timeout: 500 }, () => exports.year())),
    await told(() => sandbox.finished({ timeout: 500 })),
    await told(() => sandbox.within({ signal: AbortSignal.timeout(20) }, () => new Promise(() => {}))),
    await told(() => sandbox.within({ signal: AbortSignal.abort() }, async () => exports.crash())),
  ];
  const instrumented = instrument(bytes);
  if (openInstrumented(instrumented.bytes) === null) throw new Error('The written module cannot be opened.');
  const findings: Findings = {
    built,
    stdout: sandbox.stdout,
    year,
    inUseBytes: heap.stats().inUseBytes,
    lost: {
      bytes: lost.bytes,
      blocks: lost.blocks,
      places: lost.records.flatMap(({ frames }) =>
        frames.slice(0, 2).map((frame) => `${frame.function}:${frame.line}`),
      ),
    },
    report: leaks.toString(),
    top: profile.top(),
    callers: [...callers],
    trap,
    limits,
    codeGrowth: instrumented.bytes.length / bytes.length,
    pprof: btoa(String.fromCharCode(...pprof)),
    decodedTop: decoded.top(),
  };
  sandbox.dispose();
  return findings;
}

work().then(
  (findings) => fetch('/findings', { method: 'POST', body: JSON.stringify(findings) }),
  (error) =>
    fetch('/findings', { method: 'POST', body: JSON.stringify({ error: String(error?.stack ?? error) }) }),
);
