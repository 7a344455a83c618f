// How the command ends after an error: it prints one readable text without Heapline's stack trace, and exits
// with a status that scripts can tell apart.

import {
  CorruptLedgerError,
  ExitError,
  HeapFaultError,
  HeaplineError,
  InvalidArgumentError,
  OutOfMemoryError,
  TimeoutError,
  TrapError,
} from '../errors.ts';
import { Interrupted } from './interruption.ts';

/** Exit statuses of the command itself. A program that ran to its end determines the status instead. */
export const STATUS = {
  ok: 0,
  /** Wrong usage, a file that cannot be read, C that does not compile, a missing toolchain and so on. */
  setup: 2,
  /** A fault in Heapline itself (EX_SOFTWARE of sysexits.h). */
  internal: 70,
  /** The guest trapped or ruined its heap: the status that shells report for a program ended by SIGABRT. */
  trap: 134,
  /** The guest took longer than --timeout allows: the status of timeout(1). */
  late: 124,
} as const;

export const STATUS_HELP = `
Exit status:
  the program's own when it ran to its end
  0    done
  2    wrong usage, unreadable file, C that does not compile or link, no toolchain
  124  the program took longer than --timeout allows (its heap is still reported)
  130  Ctrl-C has stopped the program (143: SIGTERM); its heap is still reported
  134  the program trapped (its heap is still reported), or ruined its heap
  70   a fault in Heapline itself`;

/** The command line is wrong. */
export function usageError(argument: string, message: string): InvalidArgumentError {
  return new InvalidArgumentError(argument, message);
}

export function statusOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof Interrupted) return error.status;
  if (error instanceof TimeoutError) return STATUS.late;
  if (
    error instanceof TrapError ||
    error instanceof OutOfMemoryError ||
    error instanceof HeapFaultError ||
    error instanceof CorruptLedgerError
  ) {
    return STATUS.trap;
  }
  return error instanceof HeaplineError ? STATUS.setup : STATUS.internal;
}

/** The text to print for an error. */
export function failureText(error: unknown): string {
  if (error instanceof HeaplineError || error instanceof Interrupted) return error.message;
  if (error instanceof Error) {
    return `Unexpected ${error.stack ?? error.message}\nThis is a fault in Heapline; please report it with the command that led to it.`;
  }
  return `Unexpected ${String(error)}`;
}
