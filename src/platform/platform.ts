// What differs between Node.js and a browser. The rooms that a browser can run take these things from here and import
// no module of Node.js. `src/node` implements the interface for Node.js, `src/web` for browsers.

import type { DescriptorNumbers, LiveFileSystem, Preopen } from './files.ts';

/** A position in a source file. Line and column count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The JavaScript that runs beside the guest: what its stacks need to become readable. */
export interface Scripts {
  /**
   * Path or URL of the folder that contains Heapline's own code. Frames below it are hidden. Null when Heapline is
   * bundled with other code, so that no folder is its own.
   */
  readonly ownDirectory: string | null;
  /** The path of a `file:` URL; any other text unchanged. */
  toPath(file: string): string;
  /** Where this position of a running script was written; the same position when no source map knows it. */
  originalPosition(file: string, line: number, column: number): SourcePosition;
  /** Whether the engine applies source maps to the text of stacks by itself. */
  mapsStackText(): boolean;
  /** The `Error` whose `prepareStackTrace` the engine asks when the current context has none. */
  readonly mainError: ErrorConstructor;
}

/** The part of WASI that Heapline does not implement: arguments, environment, clocks, randomness and so on. */
export interface MoreWasi {
  /** Functions of `wasi_snapshot_preview1` by name. */
  readonly functions: Readonly<Record<string, (...args: never[]) => unknown>>;
  /** Gives the functions their memory. Called once, before any code of the guest calls them. */
  start(memory: WebAssembly.Memory): void;
  dispose(): void;
}

/** A regular expression in RE2's syntax that matches in linear time. */
export interface LinearExpression {
  /** Length of the compiled program. Matching takes this many steps for each character at most. */
  readonly size: number;
  /** Whether the expression matches the whole text. */
  matches(text: string): boolean;
  /** Whether the expression matches some part of the text. */
  finds(text: string): boolean;
}

/** Follows pieces of work through the promises, timers and callbacks that they start. */
export interface CallScopes {
  /** Runs work as a part of this scope. */
  run<T>(scope: object, work: () => T): T;
  /** The scope of the running code; undefined outside of all. */
  current(): object | undefined;
  /** Following costs time. Nobody needs the scopes that were run so far any more. */
  forget(): void;
}

/**
 * The runtime's objects: for modules whose memory Emscripten's JavaScript grows, for others, and for modules that keep
 * their own allocator.
 */
export type RuntimeFlavour = 'wasi' | 'emscripten' | 'recorder';

/** Everything that the rooms of the browser half ask of their surroundings. */
export interface Platform {
  readonly name: 'node' | 'web';

  /** Compresses to the gzip format. `level` is zlib's, from 0 to 9. */
  gzip(bytes: Uint8Array, level: number): Uint8Array;
  /** Decompresses the gzip format, checksums included. Throws `TooLongError` when the result exceeds `most` bytes. */
  gunzip(bytes: Uint8Array, most: number): Uint8Array;
  /** SHA-256 in hexadecimal digits. Text is hashed as UTF-8. */
  sha256(content: Uint8Array | string): string;

  /** Compiles an expression of RE2. Null when the platform has no such engine, or the expression is not valid. */
  linearExpression(expression: string): LinearExpression | null;

  /** Value of an environment variable; undefined when it is not set or the platform has none. */
  environment(name: string): string | undefined;
  /** The working directory, to which reports make paths relative; undefined when the platform has none. */
  workingDirectory(): string | undefined;
  /** The `file:` URL of a path. */
  fileUrl(path: string): string;

  /**
   * Resolves in a later turn of the event loop, after all promises that are settled now. Fake timers do not stop it.
   */
  nextTurn(): Promise<void>;
  /** Milliseconds in which the thread has waited for events so far; undefined when the platform does not know it. */
  readonly idleTime?: () => number;
  /** Blocks the thread, as `sleep()` in C does. */
  block(milliseconds: number): void;
  /**
   * Runs `work` for this many milliseconds at most, although it may never return to JavaScript, and gives its result.
   * When the time is up, the engine stops it without running any `finally`, and the result is that of `stopped`. Null
   * when the platform cannot stop work.
   */
  readonly atMost: (<T>(milliseconds: number, work: () => T, stopped: () => T) => T) | null;
  /**
   * Runs `interrupt` on this thread after so many milliseconds, in the middle of whatever runs then, C included. The
   * result takes it back, and is null when this thread cannot be interrupted. There is one interrupt at a time. Null when
   * the platform has none.
   */
  readonly interruptAfter: ((milliseconds: number, interrupt: () => void) => (() => void) | null) | null;

  /**
   * WASI functions beyond files, exits and waiting. All its clocks count from the epoch.
   * @param args the program's name and its arguments
   */
  moreWasi(args: readonly string[], env: Readonly<Record<string, string>>): Promise<MoreWasi>;

  /** Lets the engine heed hints about branches in modules that it compiles from now on; where it can be told. */
  heedBranchHints?(): void;

  /**
   * Opens directories of this machine for a guest; null when the platform has none. Throws the system's error for one
   * that cannot be opened.
   */
  readonly liveFiles:
    | ((
        preopens: readonly Preopen[],
        memory: () => WebAssembly.Memory,
        numbers: DescriptorNumbers,
      ) => Promise<LiveFileSystem>)
    | null;

  /** Makes scopes of calls; null when the platform cannot follow them. */
  readonly callScopes: (() => Promise<CallScopes>) | null;

  /** The runtime as a relocatable object. Throws a MissingRuntimeError when it is not there. */
  runtimeObject(flavour: RuntimeFlavour): Uint8Array;
  /** Loads what `runtimeObject` gives; null when it is there at all times. */
  readonly fetchRuntimeObjects: (() => Promise<void>) | null;

  readonly scripts: Scripts;
}

/**
 * Thrown by `gunzip` for data that decompresses to more bytes than the caller allows. It is caught inside Heapline.
 */
export class TooLongError extends Error {
  override readonly name = 'TooLongError';
}
