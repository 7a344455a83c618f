// Enters a guest for the commands: through main, or through the functions that --call names.

import { type Command, Option } from 'commander';
import { CorruptLedgerError, ExitError, HeapFaultError, OutOfMemoryError, TrapError } from '../errors.ts';
import { messageFrames } from '../frames/index.ts';
import type { GrowthReport, Sandbox } from '../index.ts';
import { type Call, parseCall } from './call.ts';
import { usageError } from './failure.ts';
import { Interrupted, interruption } from './interruption.ts';

export function addCallOption(command: Command): Command {
  return command.addOption(
    new Option("--call <'fn(1, 2)'>", 'call this function instead of main (repeatable, in order)').argParser(
      (source: string, calls: Call[] | undefined) => [...(calls ?? []), parseCall(source)],
    ),
  );
}

/** The C types of WebAssembly's number types. Strings are passed as pointers, which are i32. */
const C_TYPES: Readonly<Record<string, string>> = {
  i64: 'a 64-bit integer',
  f32: 'a float',
  f64: 'a double',
};

/** Rejects calls that cannot be made and says what to call instead. */
export function checkCalls(sandbox: Sandbox, calls: readonly Call[]): void {
  if (calls.length === 0 && !sandbox.hasMain) {
    throw usageError('--call', `${sandbox.name} has no main(). ${whatToCall(sandbox)}`);
  }
  for (const call of calls) {
    const { name } = call;
    const parameters = sandbox.parametersOf(name);
    if (parameters === null) {
      throw usageError('--call', `${sandbox.name} has no function '${name}' to call. ${whatToCall(sandbox)}`);
    }
    call.arguments.forEach((value, index) => {
      const type = parameters[index];
      if (typeof value !== 'string' || type === 'i32') return;
      throw usageError(
        '--call',
        `--call '${call.source}': argument ${index + 1} is a string, and ${name}() takes ` +
          `${type === undefined ? `only ${parameters.length}` : `${C_TYPES[type] ?? type} there`}.`,
      );
    });
    // JavaScript would drop surplus arguments. C rejects them, and a missing one is better reported before the first
    // call.
    const given = call.arguments.length;
    if (given !== parameters.length) {
      const wrong =
        given < parameters.length
          ? `argument ${given + 1} is missing: ${name}() takes ${parameters.length}`
          : `${name}() takes ${parameters.length} argument${parameters.length === 1 ? '' : 's'}, and ${given} are given`;
      throw usageError('--call', `--call '${call.source}': ${wrong}.`);
    }
  }
}

/** Copies the strings of a call into the guest's heap and leaves them there, because C may keep its arguments. */
export function preparedCall(sandbox: Sandbox, call: Call): () => number | bigint | undefined {
  const parameters = sandbox.parametersOf(call.name) ?? [];
  const values = call.arguments.map((value, index) => {
    if (typeof value === 'string') return sandbox.heap.cstring(value);
    // Integers of more than 53 bits are parsed in full, because the parameter may be a 64-bit integer.
    const real = parameters[index] === 'f32' || parameters[index] === 'f64';
    return real ? Number(value) : value;
  });
  return () => sandbox.exports[call.name]!(...values) as number | bigint | undefined;
}

/** The result of one call of `--call`. */
export interface CallResult {
  readonly call: string;
  /** 64-bit integers, infinities and NaN are strings, because JSON has no such numbers. Null stands for void. */
  readonly result: number | string | null;
}

/** The failure of a program whose own JavaScript (EM_JS, EM_ASM) has thrown; null for other failures. */
async function scriptFailure(sandbox: Sandbox, error: unknown): Promise<TrapError | null> {
  if (typeof error !== 'object' || error === null) return null;
  // Imported here, so that commands that run nothing start without it.
  const { readGuestStack } = await import('../host/index.ts');
  const { offsets, thrownByGlue } = readGuestStack(error);
  if (!thrownByGlue) return null;
  const frames = offsets.flatMap((offset) => sandbox.codeFrames(offset) ?? []);
  return new TrapError(`JavaScript in the program threw ${error}${messageFrames(frames)}`, frames, {
    cause: error,
  });
}

/** How a guest ended. */
export interface GuestEnd {
  /** The status of the program, or of a call that ended it. */
  readonly exitCode: number;
  /** The error that stopped the guest, if it did not end by itself. The ledger stays readable. */
  readonly failure: TrapError | OutOfMemoryError | HeapFaultError | CorruptLedgerError | Interrupted | null;
  readonly results: readonly CallResult[];
  /** What the repeated calls leave behind; null when nothing was repeated. */
  readonly growth: GrowthReport | null;
}

/** The result of reading the heap; null when the program has ruined it. In this case `ruined` gets the error. */
export function readable<T>(read: () => T, ruined: (error: CorruptLedgerError) => void): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CorruptLedgerError)) throw error;
    ruined(error);
    return null;
  }
}

/**
 * Runs main or makes the calls, and reports each to `told`. Then waits until the guest does nothing more by itself,
 * as a process with timers does. At last the calls are repeated so many times, to see whether the heap grows.
 * @param limits the time that it may take there; calls have the limit of the sandbox
 */
export async function enterGuest(
  sandbox: Sandbox,
  calls: readonly Call[],
  limits: { readonly timeout?: number },
  told: (call: Call, result: number | bigint | undefined) => void,
  repeat = 0,
): Promise<GuestEnd> {
  const results: CallResult[] = [];
  let exitCode = 0;
  let failure: GuestEnd['failure'] = null;
  let growth: GrowthReport | null = null;
  try {
    if (calls.length === 0) exitCode = interruption.run(() => sandbox.run()).exitCode;
    for (const call of calls) {
      const result = interruption.run(preparedCall(sandbox, call));
      results.push({
        call: call.source,
        result: result === undefined ? null : Number.isFinite(result) ? (result as number) : String(result),
      });
      told(call, result);
    }
    const end = await interruption.wait(
      sandbox.finished(limits.timeout === undefined ? {} : { timeout: limits.timeout }),
    );
    exitCode = end.exitCode;
    if (repeat > 0) growth = growthOf(sandbox, calls, repeat);
  } catch (error) {
    if (error instanceof ExitError) exitCode = error.exitCode;
    else if (
      error instanceof TrapError ||
      error instanceof OutOfMemoryError ||
      error instanceof HeapFaultError ||
      error instanceof CorruptLedgerError
    ) {
      failure = error;
    } else if (error instanceof Interrupted) {
      sandbox.abandon();
      failure = error;
    } else {
      failure = await scriptFailure(sandbox, error);
      if (failure === null) throw error;
    }
  }
  return { exitCode, failure, results, growth };
}

/** Calls before the measured ones, besides the first: caches fill in them. */
const MORE_WARM_UP = 2;

/** Makes the calls again and again. Their strings are copied into the heap once, before the first of them. */
function growthOf(sandbox: Sandbox, calls: readonly Call[], runs: number): GrowthReport {
  const prepared = calls.map((call) => preparedCall(sandbox, call));
  const once = (): void => {
    for (const call of prepared) call();
  };
  return interruption.run(() => sandbox.heap.growth(once, { warmup: MORE_WARM_UP, runs }));
}

/** Says what can be passed to --call. */
function whatToCall(sandbox: Sandbox): string {
  const names = Object.keys(sandbox.exports);
  if (names.length === 0) return 'It exports no function at all.';
  const shown = names.slice(0, 12).join(', ');
  const parameters =
    sandbox.parametersOf(names[0]!)?.map((type) => C_TYPES[type] ?? 'an integer or a pointer') ?? [];
  const takes = parameters.length === 0 ? '' : ` (it takes ${parameters.length}: ${parameters.join(', ')})`;
  const call = `${names[0]}(${parameters.length === 0 ? '' : '…'})`;
  return `Call one of its functions with --call '${call}'${takes}: ${shown}${names.length > 12 ? ', …' : ''}.`;
}
