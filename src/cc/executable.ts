// The file that a link makes: a shell script with the instrumented module behind it, so that it runs wherever a native
// program would. The module has its debug information, which reports at exit read. On Windows a .cmd beside the file
// starts it.

import { chmodSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';

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

/** A word in quotes in a batch file. `%` begins a variable even there. */
const inBatch = (text: string): string => text.replaceAll('%', '%%');

/**
 * The same for Windows. cmd.exe tells a batch file where it is only in a called part when the file was found along
 * PATH by a name in quotes. Variables end before the program starts, so it does not see them. `node.exe` reserves
 * eight megabytes of stack. The line that starts the program is the last one, so its status is that of the file.
 *
 * @param extension that of the program, which the batch file has lost: `.exe` or nothing
 */
export function batch({ runner, node }: Starter, extension: string): string {
  const places = [`set "runner=${inBatch(runner)}"`, `set "installed=${inBatch(node)}"`];
  const lines = `@echo off
rem A program that heapline cc has linked stands beside this file, and Node.js runs it.
setlocal EnableExtensions DisableDelayedExpansion
goto start
:locate
set "folder=%~dp0"
set "program=%~dpn0${inBatch(extension)}"
exit /b 0
:search
if exist "%at%\\node_modules\\heapline\\dist\\cc-run.js" goto here
set "below=%at%"
for %%d in ("%at%\\..") do set "at=%%~fd"
if not "%at%"=="%below%" goto search
exit /b 0
:here
set "runner=%at%\\node_modules\\heapline\\dist\\cc-run.js"
exit /b 0
:start
call :locate
${(isAscii(runner + node) ? places : inUtf8(places)).join('\n')}
if not "%HEAPLINE_RUNNER%"=="" set "runner=%HEAPLINE_RUNNER%"
if exist "%runner%" goto found
set "at=%folder%"
call :search
if exist "%runner%" goto found
for %%d in (.) do set "at=%%~fd"
call :search
if exist "%runner%" goto found
>&2 echo "%program%": heapline is not at "%runner%" any more: install it there or beside the program, or set HEAPLINE_RUNNER.
exit /b 127
:found
set "node="
for %%n in (node.exe) do set "node=%%~$PATH:n"
if not defined node set "node=%installed%"
endlocal & "%node%" --stack-size=${WINDOWS_STACK} "%runner%" "%program%" %*
`;
  return lines.replaceAll('\n', '\r\n');
}

/** A batch file that starts a script of Node.js, for tools that other programs start on Windows. */
export function toolBatch(script: string, node: string): string {
  const places = [`set "script=${inBatch(script)}"`, `set "installed=${inBatch(node)}"`];
  const lines = `@echo off
setlocal EnableExtensions DisableDelayedExpansion
${(isAscii(script + node) ? places : inUtf8(places)).join('\n')}
endlocal & "%installed%" "%script%" %*
`;
  return lines.replaceAll('\n', '\r\n');
}

/** Kilobytes for C on Windows, as the script leaves them: all but one megabyte. */
export const WINDOWS_STACK = 7168;

const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text);

/** cmd.exe reads batch files in the code page of the console, line by line. The user's own comes back afterwards. */
function inUtf8(lines: readonly string[]): string[] {
  return [
    'for /f "tokens=2 delims=:." %%c in (\'chcp\') do set "page=%%c"',
    'chcp 65001 >nul',
    ...lines,
    'chcp %page% >nul',
  ];
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
    const extension = /\.exe$/i.exec(file)?.[0] ?? '';
    const name = file.slice(0, file.length - extension.length);
    writeWhole(`${name}.cmd`, Buffer.from(batch(starter, extension)), 0o666);
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
