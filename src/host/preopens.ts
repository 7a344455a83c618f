// What is wrong with the directories of this machine that a guest is to have.

import { InvalidArgumentError } from '../errors.ts';
import type { Preopen } from '../platform/index.ts';

/** Rejects files in memory where the guest has a directory of the machine. */
export function rejectHiddenFiles(
  preopens: readonly Preopen[],
  files: ReadonlyMap<string, Uint8Array>,
): void {
  for (const { guest } of preopens) {
    const below = guest === '/' ? '/' : `${guest}/`;
    const hidden = [...files.keys()].find((path) => path === guest || path.startsWith(below));
    if (hidden === undefined) continue;
    throw new InvalidArgumentError(
      'files',
      `'${hidden}' cannot be given in files, because preopens has a directory at '${guest}': write the file there.`,
    );
  }
}

/** The error for a directory that cannot be opened. Other errors come back unchanged. */
export function preopenFailure(error: unknown, directories: readonly string[]): unknown {
  const { code, message, path } = error as { code?: string; message: string; path?: string };
  if (code === undefined) return error;
  const which = path ?? directories.join(', ');
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such directory',
    ENOTDIR: 'it is not a directory',
  };
  return new InvalidArgumentError(
    'preopens',
    `${which} cannot be opened for the guest: ${reasons[code] ?? message}.`,
    { cause: error },
  );
}
