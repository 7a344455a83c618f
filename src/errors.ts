// Every error that Heapline raises: one base class, one subclass per cause, the facts as fields, a stable `code`
// for machines and a message that says what happened, where, and what to do.

import type { Frame, HeapFault, HeapFaultKind } from './frames/index.ts';

/** Base class of all errors raised by Heapline. `code` is stable across releases; messages are not. */
export abstract class HeaplineError extends Error {
  /** Names the cause for programs. It stays the same from release to release. */
  abstract readonly code: string;
}

// The name of an error's class comes from its code, because minifiers rename classes.
Object.defineProperty(HeaplineError.prototype, 'name', {
  configurable: true,
  get(this: HeaplineError): string {
    // The engine asks while the error is being made, too.
    const words = (this.code ?? '').split('_').slice(1);
    return `${words.map((word) => word[0] + word.slice(1).toLowerCase()).join('')}Error`;
  },
  set(this: HeaplineError, value: string) {
    Object.defineProperty(this, 'name', { value, configurable: true, writable: true });
  },
});

/** An argument that the caller passed cannot be used. */
export class InvalidArgumentError extends HeaplineError {
  readonly code = 'HEAPLINE_INVALID_ARGUMENT';

  constructor(
    /** Name of the argument or option. */
    readonly argument: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A file that the caller named cannot be read or written. */
export class FileError extends HeaplineError {
  readonly code = 'HEAPLINE_FILE';

  constructor(
    /** The path as the caller gave it. */
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** One diagnostic of a compiler or linker. Lines and columns count from 1; 0 means that the tool named none. */
export interface Diagnostic {
  /** How grave it is. An error stops the compilation. */
  readonly severity: 'error' | 'warning' | 'note';
  /** The file that it is about; null when it is about none. */
  readonly file: string | null;
  /** Line in that file, from 1; 0 when none was given. */
  readonly line: number;
  /** Column in that line, from 1; 0 when none was given. */
  readonly column: number;
  /** The text of the tool, without the place. */
  readonly message: string;
}

/** No toolchain can do the work: none was found, or the requested one does not work. */
export class ToolchainError extends HeaplineError {
  readonly code = 'HEAPLINE_TOOLCHAIN';

  constructor(
    /** The requested toolchain, which may be `auto`. */
    readonly toolchain: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** C sources that do not compile. */
export class CompileError extends HeaplineError {
  readonly code: string = 'HEAPLINE_COMPILE';

  constructor(
    /** What the tool reported, one entry per diagnostic. */
    readonly diagnostics: readonly Diagnostic[],
    /** Everything that the tool printed. */
    readonly output: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Objects that do not link. */
export class LinkError extends CompileError {
  override readonly code = 'HEAPLINE_LINK';

  constructor(
    /** Symbols that nothing defines. */
    readonly missing: readonly string[],
    diagnostics: readonly Diagnostic[],
    output: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(diagnostics, output, message, options);
  }
}

/** Bytes that are not a well-formed WebAssembly module. */
export class InvalidModuleError extends HeaplineError {
  readonly code = 'HEAPLINE_INVALID_MODULE';

  constructor(
    message: string,
    /** Offset in the file, in bytes, where reading failed; null when the fault has no single place. */
    readonly offset: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A well-formed module that Heapline cannot instrument or run; the message says why. */
export class UnsupportedModuleError extends HeaplineError {
  readonly code = 'HEAPLINE_UNSUPPORTED_MODULE';
}

/** A module that was linked without the Heapline runtime, or with a runtime of another version. */
export class MissingRuntimeError extends HeaplineError {
  readonly code = 'HEAPLINE_MISSING_RUNTIME';
}

/** Debug information that cannot be read. */
export class DwarfError extends HeaplineError {
  readonly code = 'HEAPLINE_DWARF';

  constructor(
    message: string,
    /** Section name, such as `.debug_info`. */
    readonly section: string,
    /** Offset in that section, in bytes. */
    readonly offset: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Bytes that are not a pprof profile, or not a heap profile. */
export class InvalidProfileError extends HeaplineError {
  readonly code = 'HEAPLINE_INVALID_PROFILE';
}

/** The guest trapped (unreachable, out-of-bounds access, stack overflow, …). The ledger stays readable. */
export class TrapError extends HeaplineError {
  readonly code: string = 'HEAPLINE_TRAP';

  constructor(
    message: string,
    /** The C stack at the trap, innermost frame first. */
    readonly frames: readonly Frame[],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A stack was used up, usually by endless recursion. */
export class StackOverflowError extends TrapError {
  override readonly code = 'HEAPLINE_STACK_OVERFLOW';

  constructor(
    message: string,
    /** The stack of C in the guest's memory, or the JavaScript engine's own stack, which holds return addresses. */
    readonly which: 'c' | 'engine',
    /** Size of the C stack in bytes; null when it is not known. */
    readonly limit: number | null,
    frames: readonly Frame[],
    options?: ErrorOptions,
  ) {
    super(message, frames, options);
  }
}

/**
 * A call into the guest took longer than it may, and was stopped. The guest can be called again; what only the stopped
 * functions pointed to is lost.
 */
export class TimeoutError extends TrapError {
  override readonly code = 'HEAPLINE_TIMEOUT';

  constructor(
    message: string,
    /** The limit in milliseconds. */
    readonly timeout: number,
    /** The C stack when the time was over, innermost frame first; empty where the engine cannot tell. */
    frames: readonly Frame[],
    options?: ErrorOptions,
  ) {
    super(message, frames, options);
  }
}

/** A C++ exception left the guest, because nothing in the guest caught it. Its object has been destroyed and freed. */
export class CxxExceptionError extends TrapError {
  override readonly code = 'HEAPLINE_CXX_EXCEPTION';

  constructor(
    message: string,
    /** Type of the thrown object, as C++ writes it: `std::runtime_error`. */
    readonly type: string,
    /** The text of what(), or of a thrown number or C string; null when there is no text. */
    readonly what: string | null,
    frames: readonly Frame[],
    options?: ErrorOptions,
  ) {
    super(message, frames, options);
  }
}

/** The host asked the guest's heap for memory, and the heap had none. */
export class OutOfMemoryError extends HeaplineError {
  readonly code = 'HEAPLINE_OUT_OF_MEMORY';
}

/** A sandbox was used after it was disposed of. */
export class DisposedError extends HeaplineError {
  readonly code = 'HEAPLINE_DISPOSED';
}

/** A sandbox cannot do this in its present state (for example: no `main`, or already running). */
export class StateError extends HeaplineError {
  readonly code = 'HEAPLINE_STATE';
}

/** The guest ended itself with `exit()` or `_exit()` while the host was calling one of the guest's functions. */
export class ExitError extends HeaplineError {
  readonly code = 'HEAPLINE_EXIT';

  constructor(
    /** The status that the guest passed to `exit`. */
    readonly exitCode: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** JavaScript that attach() ran did not give it an instance to watch. */
export class AttachError extends HeaplineError {
  readonly code = 'HEAPLINE_ATTACH';

  constructor(
    /**
     * - `failed`: the function that attach() called has thrown, or its promise was rejected; `cause` has the error
     * - `not-instantiated`: it has instantiated no module, or none that attach() could see
     * - `not-finished`: it has not ended within the time limit
     */
    readonly reason: 'failed' | 'not-instantiated' | 'not-finished',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Heapline needs a feature that its platform (Node.js or a browser) does not offer. */
export class PlatformError extends HeaplineError {
  readonly code = 'HEAPLINE_PLATFORM';
}

/** The runtime's ledger in linear memory contradicts itself, because the guest has overwritten it. */
export class CorruptLedgerError extends HeaplineError {
  readonly code = 'HEAPLINE_CORRUPT_LEDGER';
}

/**
 * A heap fault: the guest misused its heap. It has the stacks of the misuse, of the allocation and of the first
 * free.
 */
export class HeapFaultError extends HeaplineError implements HeapFault {
  readonly code = 'HEAPLINE_HEAP_FAULT';
  /** Which misuse it is. */
  readonly kind: HeapFaultKind;
  /** The address that was misused: of a bad free or realloc, the pointer that was passed. */
  readonly address: number;
  /** The block that the address belongs to; null when it belongs to none. */
  readonly block: HeapFault['block'];
  /** Where it happened, innermost frame first. */
  readonly frames: readonly Frame[];
  /** Where the block was allocated; null when the address belongs to no block. */
  readonly allocatedAt: readonly Frame[] | null;
  /** Where the block was freed first; null when it was not freed, or when the place is not known. */
  readonly freedAt: readonly Frame[] | null;

  constructor(message: string, fault: HeapFault, options?: ErrorOptions) {
    super(message, options);
    this.kind = fault.kind;
    this.address = fault.address;
    this.block = fault.block;
    this.frames = fault.frames;
    this.allocatedAt = fault.allocatedAt;
    this.freedAt = fault.freedAt;
  }
}

/** A suppression file (or a pattern given in code) that does not follow LeakSanitizer's format. */
export class SuppressionError extends HeaplineError {
  readonly code = 'HEAPLINE_SUPPRESSION';

  constructor(
    /** Name of the file as the caller gave it; `<code>` for patterns given in code. */
    readonly file: string,
    /** Number of the faulty line, from 1. */
    readonly line: number,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${file}:${line}: ${problem}`, options);
  }
}

/** A baseline file that cannot be used: not JSON, not a baseline, or of a version that this release does not know. */
export class BaselineError extends HeaplineError {
  readonly code = 'HEAPLINE_BASELINE';

  constructor(
    /** Name of the file as the caller gave it. */
    readonly file: string,
    /** Number of the faulty line, from 1. */
    readonly line: number,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${file}:${line}: ${problem}`, options);
  }
}
