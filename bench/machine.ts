// The setting of the numbers: processor, memory, load, and the versions of all tools that took part.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { run, version } from './build.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Load average of the last minute at the start. Above the number of cores, absolute times are inflated. */
  readonly load: number;
}

export function describeMachine(): Machine {
  let system = `${process.platform} ${release()}`;
  try {
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    if (name) system = `${name}, kernel ${release()}`;
  } catch {
    // This is not Linux, so the kernel's name must do.
  }
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system,
    load: loadavg()[0]!,
  };
}

/** Versions by tool name; tools that are missing are left out. */
export async function describeVersions(): Promise<Record<string, string>> {
  const versions: Record<string, string> = { node: process.version, v8: process.versions.v8 };
  const tools: [string, string, string[]?][] = [
    ['clang', 'clang'],
    ['emscripten', 'emcc'],
    ['gcc', 'gcc'],
    ['heaptrack', 'heaptrack'],
    ['valgrind', 'valgrind'],
  ];
  for (const [name, command, args] of tools) {
    const text = await version(command, args);
    if (text) versions[name] = text;
  }
  for (const name of ['wasi-libc', 'google-perftools', 'libjemalloc2']) {
    const text = (await run('dpkg-query', ['--show', name]).catch(() => '')).split('\t')[1]?.trim();
    if (text) versions[name] = text;
  }
  return versions;
}
