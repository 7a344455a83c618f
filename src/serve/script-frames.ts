// Turns a function as V8's profilers name it into a source frame. Source maps are applied, and wasm functions are
// traced back to C through the sandbox that runs them.

import { type Frame, namedFrame } from '../frames/index.ts';
import { originalPosition } from '../node/source-maps.ts';
import type { Sandbox } from '../sandbox/index.ts';
import type { CallFrame } from './inspector.ts';

/** The frame of a JavaScript function, or of the engine itself, such as `(garbage collector)`. */
export function scriptFrame(callFrame: CallFrame): Frame {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  const name = functionName || '(anonymous)';
  const known = url !== '' && lineNumber >= 0;
  const position = known
    ? originalPosition(url, lineNumber + 1, columnNumber + 1)
    : { file: url, line: 0, column: 0 };
  return { ...namedFrame(name, 'js'), ...position, startLine: position.line };
}

/** The source frame of a wasm frame of the engine; null for frames that are not code of the guest. */
export type WasmFrames = (callFrame: CallFrame) => Frame | null;

export function isWasm({ url, functionName }: CallFrame): boolean {
  return url.startsWith('wasm://') || isBridge(functionName);
}

/** The engine's own code between the languages. */
function isBridge(name: string): boolean {
  return /^(js-to-wasm|wasm-to-js)\b/.test(name);
}

/**
 * Finds out which sandbox each wasm script belongs to. V8 names a small script by a hash of its bytes and a large one
 * by its length. It names a function by its name and the offset of its body in the file. A script belongs to the
 * sandbox whose functions have the same names at the same offsets.
 */
export function wasmFrames(
  callFrames: Iterable<CallFrame>,
  sandboxes: readonly Sandbox<object>[],
): WasmFrames {
  const scripts = new Map<string, CallFrame[]>();
  for (const callFrame of callFrames) {
    if (!isWasm(callFrame)) continue;
    const known = scripts.get(callFrame.url);
    if (known === undefined) scripts.set(callFrame.url, [callFrame]);
    else known.push(callFrame);
  }
  const owners = new Map<string, Sandbox<object>>();
  for (const [url, frames] of scripts) {
    let best = 0;
    for (const sandbox of sandboxes) {
      const matches = frames.filter((frame) => sameFunction(frame, sandbox)).length;
      if (matches > best) {
        best = matches;
        owners.set(url, sandbox);
      }
    }
  }
  return (callFrame) => {
    const { url, functionName, columnNumber } = callFrame;
    if (isBridge(functionName)) return null;
    const owner = owners.get(url);
    if (owner === undefined) return { ...scriptFrame(callFrame), language: 'c' };
    const frames = framesAt(owner, columnNumber);
    const outermost = frames?.at(-1);
    if (outermost === undefined) return null;
    // The engine knows the function but not the place in it, so the frame has the line of the declaration.
    const line = outermost.startLine || outermost.line;
    return { ...outermost, line, column: 0, inlined: false };
  };
}

function sameFunction({ functionName, columnNumber }: CallFrame, sandbox: Sandbox<object>): boolean {
  const outermost = framesAt(sandbox, columnNumber)?.at(-1);
  if (outermost === undefined) return false;
  return functionName === outermost.linkageName || functionName === outermost.function;
}

function framesAt(sandbox: Sandbox<object>, offset: number): readonly Frame[] | null {
  return sandbox.disposed ? null : sandbox.codeFrames(offset);
}
