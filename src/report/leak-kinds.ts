// The classes of live blocks: their names, which of them are leaks, and the check of names that callers give.

import { InvalidArgumentError } from '../errors.ts';
import { type OptionRule, withDefault, withHelp } from '../options/option-table.ts';

/** The classes of live blocks, the gravest first. */
export const leakKinds = ['definite', 'indirect', 'possible', 'reachable'] as const;

/**
 * How a live block can still be reached: `definite`: by no pointer at all; `indirect`: only from lost blocks;
 * `possible`: only through a pointer into its middle; `reachable`: from a root, by a pointer to its start.
 */
export type LeakKind = (typeof leakKinds)[number];

/** The classes that are certainly leaks. Checks fail on these unless told otherwise. */
export const defaultLeakKinds: readonly LeakKind[] = ['definite', 'indirect'];

/** An option that is a list of leak classes, which may be empty. */
export const anyLeakKinds: OptionRule<readonly LeakKind[]> = {
  read: (value, option) => leakKindsIn(value, option),
};

/** An option that is a list of the leak classes on which a check fails: at least one. */
export const someLeakKinds: OptionRule<readonly LeakKind[]> = {
  read: (value, option) => {
    const kinds = leakKindsIn(value, option);
    if (kinds.length === 0) throw notKinds(option);
    return kinds;
  },
};

/** The option that says on which classes a check fails. */
export const failingLeakKinds = withHelp(
  withDefault(someLeakKinds, defaultLeakKinds),
  'classes that fail, such as definite,possible; or all',
);

// Unknown classes are rejected, because a check for a class that does not exist would always succeed.
export function leakKindsIn(kinds: unknown, option = 'kinds'): readonly LeakKind[] {
  if (!Array.isArray(kinds)) throw notKinds(option);
  for (const kind of kinds as readonly unknown[]) {
    if (!(leakKinds as readonly unknown[]).includes(kind)) {
      throw new InvalidArgumentError(
        option,
        `unknown leak class "${String(kind)}": use ${leakKinds.join(', ')}`,
      );
    }
  }
  return kinds as readonly LeakKind[];
}

function notKinds(option: string): InvalidArgumentError {
  return new InvalidArgumentError(
    option,
    `The option ${option} must be an array of leak classes: ${leakKinds.join(', ')}.`,
  );
}

/**
 * Reads class names as a command line or a configuration gives them: `definite,possible`, or `all`. Throws an
 * InvalidArgumentError that names an unknown class.
 */
export function parseLeakKinds(text: string, argument = 'kinds'): readonly LeakKind[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.includes('all')) return leakKinds;
  for (const name of names) {
    if (!(leakKinds as readonly string[]).includes(name)) {
      throw new InvalidArgumentError(
        argument,
        `unknown leak class "${name}": use ${leakKinds.join(', ')} or all`,
      );
    }
  }
  if (names.length === 0) {
    throw new InvalidArgumentError(argument, `no leak class given: use ${leakKinds.join(', ')} or all`);
  }
  return leakKinds.filter((kind) => names.includes(kind));
}
