// `heapline ld`: wasm-ld, for scripts that ask the compiler for its linker and the linker for its kind. libtool takes a
// linker that is not GNU's for one that makes shared libraries in a way of its own. A linker that is compatible with
// GNU's is asked for its formats, and libtool then learns that there are no shared libraries here.

import { execFileSync, spawnSync } from 'node:child_process';

/** Runs the linker of a clang. Returns its exit status. */
export function runLinker(clang: string, args: readonly string[]): number {
  const linker = execFileSync(clang, ['-print-prog-name=wasm-ld'], { encoding: 'utf8' }).trim();
  if (/^(?:-v|-V|--version)$/.test(args[0] ?? '')) {
    const version = execFileSync(linker, ['--version'], { encoding: 'utf8' }).trim();
    process.stdout.write(`${version} (compatible with GNU linkers, for WebAssembly)\n`);
    return 0;
  }
  const { status, error } = spawnSync(linker, args, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}
