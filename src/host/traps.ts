// Reads the error of a guest that fails: whether the guest trapped, and where in its code. V8 gives places as file
// offsets in the instrumented module, because it runs that one. JavaScriptCore gives only names of functions.

import { GLUE_FILE } from '../frames/index.ts';

/** The guest's part of an error's stack. */
export interface GuestStack {
  /** Offsets of the instructions in the file that runs, innermost first. */
  readonly offsets: readonly number[];
  /** Names of the functions, innermost first, when the engine gives names instead of offsets (JavaScriptCore). */
  readonly names: readonly string[];
  /** True when the guest's own code, or the engine on its behalf, threw. */
  readonly thrownByGuest: boolean;
  /** True when the guest's JavaScript threw: Emscripten's glue, or JavaScript in the C sources. */
  readonly thrownByGlue: boolean;
}

const WASM_FRAME = /wasm:\/\/[^\s)]*:wasm-function\[\d+\]:0x([0-9a-f]+)/;
/** A frame of WebAssembly as JavaScriptCore writes it. */
const NAMED_FRAME = /\.wasm-function\[(.+)\]/;

/** Reads where in the guest an error arose: the innermost run of wasm frames. */
export function readGuestStack(error: object): GuestStack {
  const lines = stackLines(error);
  const offsets: number[] = [];
  const names: string[] = [];
  let thrownByGuest = false;
  for (let i = 0; i < lines.length; i++) {
    const offset = WASM_FRAME.exec(lines[i]!)?.[1];
    const name = offset === undefined ? NAMED_FRAME.exec(lines[i]!)?.[1] : undefined;
    if (offset !== undefined) offsets.push(Number.parseInt(offset, 16));
    else if (name !== undefined) names.push(name);
    else if (offsets.length + names.length > 0) break;
    if (i === 0) thrownByGuest = offsets.length + names.length > 0;
  }
  return { offsets, names, thrownByGuest, thrownByGlue: lines[0]?.includes(GLUE_FILE) ?? false };
}

/** Most frames that are asked for, the host's included. */
const DEEPEST = 1000;

/** Where in the guest the host was called. */
export function currentGuestStack(): GuestStack {
  const limit = Error.stackTraceLimit;
  setLimit(DEEPEST);
  const error = new Error();
  setLimit(limit);
  return readGuestStack(error);
}

function setLimit(limit: number): void {
  try {
    Error.stackTraceLimit = limit;
  } catch {
    // Error is frozen (`--frozen-intrinsics`), so stacks are as deep as they are.
  }
}

// Test runners replace Error.prepareStackTrace with formatters that garble wasm frames. V8 formats a stack when it is
// first read, so this function reads it with a formatter that keeps the engine's own lines.
function stackLines(error: object): string[] {
  const previous = Error.prepareStackTrace;
  let lines: string[] | null = null;
  setFormatter((thrown, sites) => {
    lines = sites.map(String);
    return `${thrown}${lines.map((line) => `\n    at ${line}`).join('')}`;
  });
  try {
    const stack = (error as { stack?: unknown }).stack;
    return (
      lines ?? (typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at /.test(line)) : [])
    );
  } finally {
    setFormatter(previous);
  }
}

function setFormatter(formatter: typeof Error.prepareStackTrace): void {
  try {
    Error.prepareStackTrace = formatter as NonNullable<typeof formatter>;
  } catch {
    // Error is frozen (`--frozen-intrinsics`), so nobody else has replaced the formatter either.
  }
}

/** True for the errors that the engine throws when a guest traps or uses up the stack. */
export function isTrap(error: unknown): error is Error {
  if (error instanceof WebAssembly.RuntimeError) return true;
  return error instanceof RangeError && /call stack/i.test(error.message);
}
