// HEAPLINE_DEBUG=NAMES makes Heapline print its decisions on stderr, for people who work on Heapline or report a fault
// of it. NAMES is a list of the parts below, separated by commas, or * for all of them. Callers ask `debugs` before they
// put a line together, so that a part that nobody asked for costs one look-up. Where there is no `process`, as in a
// browser, nothing is printed.

/** The parts that can be asked for, with what each of them prints. */
export const DEBUG_PARTS = {
  instrument: 'which functions and calls of a module keep slots',
  entries: 'which JavaScript stack an entry into the guest captured, and when',
  wrappers: 'which functions of a module allocate for their callers, by what they do',
  cache: 'whether the cache of compiled objects had a result, and why not',
} as const;

export type DebugPart = keyof typeof DEBUG_PARTS;

let chosen: ReadonlySet<string> | null = null;

/** Whether HEAPLINE_DEBUG asks for this part. The variable is read once. */
export function debugs(part: DebugPart): boolean {
  chosen ??= readVariable();
  return chosen.has(part);
}

/** Prints a line of this part. */
export function debug(part: DebugPart, line: string): void {
  console.error(`heapline:${part} ${line}`);
}

function readVariable(): ReadonlySet<string> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  const names = (process?.env?.HEAPLINE_DEBUG ?? '').split(',').map((name) => name.trim());
  const parts = Object.keys(DEBUG_PARTS);
  for (const name of names) {
    if (name === '' || name === '*' || parts.includes(name)) continue;
    console.error(
      `heapline: HEAPLINE_DEBUG names '${name}', which is no part of Heapline. Its parts are ${parts.join(', ')}, and * for all of them.`,
    );
  }
  return new Set(names.includes('*') ? parts : names);
}
