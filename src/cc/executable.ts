// The file that a link makes: a shell script with the instrumented module behind it, so that it runs wherever a native
// program would. The module has its debug information, which reports at exit read. On Windows a .cmd beside the file
// starts it.

import { chmodSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Everything that a script needs to start: where this installation has its runner, and which node it ran in. */
export interface Starter {
  readonly runner: string;
  readonly node: string;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

// The runner of the project around the program comes second, so that programs survive when packages move. V8 uses one of
// the eight megabytes that a process usually has as its stack, and C recurses on it: the program gets the whole stack,
// without a part for what V8 itself calls at the end.
function script({ runner, node }: Starter): string {
  return `#!/bin/sh
# A program that \`heapline cc\` has linked: a WebAssembly module stands behind this script. Do not strip it.
runner=${quoted(runner)}
test -n "$HEAPLINE_RUNNER" && runner=$HEAPLINE_RUNNER
if test ! -f "$runner"; then
  for at in "$(dirname "$0")" .; do
    at=$(cd "$at" 2>/dev/null && pwd) || continue
    while test -n "$at"; do
      if test -f "$at/node_modules/heapline/dist/cc-run.js"; then
        runner=$at/node_modules/heapline/dist/cc-run.js
        break 2
      fi
      at=\${at%/*}
    done
  done
fi
if test ! -f "$runner"; then
  echo "$0: heapline is not at $runner any more: install it there or beside the program, or set HEAPLINE_RUNNER." >&2
  exit 127
fi
stack=$(ulimit -s 2>/dev/null)
case $stack in
  unlimited | [1-9]?????*) stack=65536 ;;
  [2-9]??? | [1-9]????) ;;
  *) stack=2008 ;;
esac
stack=--stack-size=$((stack - 1024))
if command -v node >/dev/null 2>&1; then exec node $stack "$runner" "$0" "$@"; fi
exec ${quoted(node)} $stack "$runner" "$0" "$@"
exit 127
`;
}

/** Batch file for Windows. */
function batch({ runner }: Starter, file: string): string {
  return `@node "${runner}" "%~dp0${path.basename(file)}" %*\r\n`;
}

/** Writes a program for a platform. A file with the name `*.wasm` becomes the module alone. */
export function writeExecutable(
  file: string,
  module: Uint8Array,
  starter: Starter,
  platform: NodeJS.Platform = process.platform,
): void {
  const isModule = file.endsWith('.wasm');
  const content = isModule ? module : Buffer.concat([Buffer.from(script(starter)), module]);
  writeWhole(file, content, isModule ? 0o666 : 0o777);
  if (platform === 'win32' && !isModule) {
    writeWhole(`${file.replace(/\.exe$/i, '')}.cmd`, Buffer.from(batch(starter, file)), 0o666);
  }
}

// A program that runs keeps its old file. Devices such as /dev/null are written to.
function writeWhole(file: string, content: Uint8Array, mode: number): void {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile()) {
    writeFileSync(file, content);
    return;
  }
  const beside = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, content, { mode });
    chmodSync(beside, mode & ~process.umask());
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

const MODULE = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

/** The module in a program; null for another file. */
export function moduleIn(file: Uint8Array): Uint8Array | null {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const at = buffer.indexOf(MODULE);
  return at < 0 ? null : file.subarray(at);
}
