// The native oracles: builds the programs with gcc and g++, lets Valgrind's memcheck and LeakSanitizer judge them,
// and turns the verdicts into the records that support/leak-programs.ts compares.
//
// Starting Valgrind takes half a second, so all programs are linked into one executable that runs each in a forked
// child. The heap of a child holds only what its program allocated, and each child is judged at its own exit. objcopy
// makes the programs' other symbols local, so that equal names do not collide.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HeapFaultKind } from '../../src/frames/index.ts';
import type { LeakKind } from '../../src/report/index.ts';
import type { FoundFault, Program } from '../support/leak-programs.ts';

const run = promisify(execFile);

/** A frame of a stack, in the file of the program. */
export interface NativeFrame {
  readonly function: string;
  readonly line: number;
}

/** All blocks of one class and one context. */
export interface NativeRecord {
  readonly kind: LeakKind;
  readonly blocks: number;
  readonly bytes: number;
  /** Bytes that hang on the blocks, where the checker says so. */
  readonly hanging?: number;
  /** Line of the program that called the outermost of libc's allocating functions. */
  readonly line: number;
  /** Innermost first. */
  readonly stack: readonly NativeFrame[];
}

/** What a native checker says about one program. */
export interface NativeVerdict {
  readonly records: readonly NativeRecord[];
  readonly faults: readonly FoundFault[];
}

/** The executables with all programs, which run each program in a child: one plain, one with sanitizers. */
export interface NativeBuild {
  readonly plain: string;
  readonly sanitized: string;
}

/**
 * Builds all programs. The sanitizers are only linked in. They watch malloc and free; they do not check accesses,
 * which would need instrumented code.
 */
export async function buildNative(programs: readonly Program[], folder: string): Promise<NativeBuild> {
  const entries = programs.map((_, index) => `program_${index}`);
  const symbols = programs.map((program, index) => entrySymbol(program, entries[index]!));
  const objects: string[] = new Array(programs.length);
  const compileOne = async (index: number) => {
    const program = programs[index]!;
    const entry = entries[index]!;
    const object = join(folder, `${program.name}.o`);
    await run(isCxx(program) ? 'g++' : 'gcc', [
      isCxx(program) ? '-std=gnu++17' : '-std=gnu11',
      '-O0',
      '-g',
      '-w',
      '-fno-builtin',
      '-fno-omit-frame-pointer',
      `-Dmain=${entry}`,
      ...(program.fixed ? ['-DFIXED'] : []),
      '-c',
      program.path,
      '-o',
      object,
    ]);
    // C++ programs use unnamed namespaces, so the symbols that they share belong to the C++ library and are linked
    // once.
    if (!isCxx(program)) await run('objcopy', ['--keep-global-symbol', entry, object]);
    objects[index] = object;
  };
  let next = 0;
  const worker = async () => {
    while (next < programs.length) await compileOne(next++);
  };
  await Promise.all([worker(), worker()]);

  const driver = join(folder, 'driver.c');
  writeFileSync(
    driver,
    `#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
${entries.map((entry, index) => `int ${entry}(void) __asm__("${symbols[index]}");`).join('\n')}
static int (*const programs[])(void) = {${entries.join(', ')}};
int main(void) {
  for (int i = 0; i < ${programs.length}; i++) {
    pid_t child = fork();
    if (child == 0) exit(programs[i]());
    char line[64];
    int length = snprintf(line, sizeof line, "%d %d\\n", i, (int)child);
    if (write(1, line, (size_t)length) != length) return 1;
    waitpid(child, NULL, 0);
  }
  return 0;
}
`,
  );
  const build = { plain: join(folder, 'programs'), sanitized: join(folder, 'programs-sanitized') };
  const driverObject = join(folder, 'driver.o');
  await run('gcc', ['-g', '-c', driver, '-o', driverObject]);
  await run('g++', [driverObject, ...objects, '-o', build.plain]);
  await run('g++', ['-fsanitize=address', driverObject, ...objects, '-o', build.sanitized]);
  return build;
}

const isCxx = (program: Program): boolean => program.needs.includes('c++');

/** The assembler's name for the function that replaces main: Itanium C++ ABI, 5.1. */
function entrySymbol(program: Program, entry: string): string {
  return isCxx(program) ? `_Z${entry.length}${entry}v` : entry;
}

/** Valgrind's verdicts on the plain executable, by program name. `folder` takes Valgrind's reports. */
export async function judgeWithValgrind(
  programs: readonly Program[],
  executable: string,
  folder: string,
): Promise<Map<string, NativeVerdict>> {
  const { stdout } = await run(
    'valgrind',
    [
      '--leak-check=full',
      '--show-leak-kinds=all',
      '--num-callers=50',
      '--error-limit=no',
      '--xml=yes',
      `--xml-file=${join(folder, 'valgrind.%p.xml')}`,
      executable,
    ],
    { cwd: folder, maxBuffer: 2 ** 26 },
  );
  return verdicts(programs, stdout, (program, pid) =>
    parseValgrind(readFileSync(join(folder, `valgrind.${pid}.xml`), 'utf8'), program),
  );
}

/** The verdicts of LeakSanitizer and, for misuses, AddressSanitizer on the sanitized executable, by program name. */
export async function judgeWithLeakSanitizer(
  programs: readonly Program[],
  executable: string,
  folder: string,
): Promise<Map<string, NativeVerdict>> {
  const options = [
    'detect_leaks=1',
    'allocator_may_return_null=1',
    'malloc_context_size=50',
    'fast_unwind_on_malloc=0',
    // Each child would load all debug information anew; one run of addr2line loads it once for all of them.
    'symbolize=0',
    `log_path=${join(folder, 'asan')}`,
  ];
  const env = { ...process.env, ASAN_OPTIONS: options.join(':'), LSAN_OPTIONS: '' };
  const { stdout } = await run(executable, [], { cwd: folder, env, maxBuffer: 2 ** 26 });
  const logs = new Map<string, string>();
  for (const name of readdirSync(folder)) {
    const pid = /^asan\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined) logs.set(pid, readFileSync(join(folder, name), 'utf8'));
  }
  const symbolized = await symbolize(logs);
  return verdicts(programs, stdout, (program, pid) => parseSanitizer(symbolized.get(pid) ?? '', program));
}

/** A frame for which the sanitizers found no symbol: the module and an offset in it. */
const RAW_FRAME = /\((\/[^()]+)\+(0x[0-9a-f]+)\)/g;

async function symbolize(logs: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const offsets = new Map<string, Set<string>>();
  for (const log of logs.values()) {
    for (const [, module, offset] of log.matchAll(RAW_FRAME)) {
      if (!offsets.has(module!)) offsets.set(module!, new Set());
      offsets.get(module!)!.add(offset!);
    }
  }
  const symbols = new Map<string, string>();
  for (const [module, wanted] of offsets) {
    const list = [...wanted];
    // Each frame has two lines: the function, then file:line with further facts in brackets.
    const { stdout } = await run('addr2line', ['-f', '-e', module, ...list], { maxBuffer: 2 ** 26 });
    const lines = stdout.split('\n');
    for (const [index, offset] of list.entries()) {
      const place = lines[2 * index + 1]!.replace(/ \(.*\)$/, '');
      symbols.set(`${module}+${offset}`, `in ${lines[2 * index]} ${place}`);
    }
  }
  return new Map(
    [...logs].map(([pid, log]) => [
      pid,
      log.replace(RAW_FRAME, (raw, module, offset) => symbols.get(`${module}+${offset}`) ?? raw),
    ]),
  );
}

function verdicts(
  programs: readonly Program[],
  stdout: string,
  judge: (program: Program, pid: string) => NativeVerdict,
): Map<string, NativeVerdict> {
  const found = new Map<string, NativeVerdict>();
  for (const [, index, pid] of stdout.matchAll(/^(\d+) (\d+)$/gm)) {
    const program = programs[Number(index)]!;
    found.set(program.name, judge(program, pid!));
  }
  if (found.size !== programs.length)
    throw new Error(`only ${found.size} of ${programs.length} programs ran`);
  return found;
}

interface RawFrame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

const valgrindKinds: Readonly<Record<string, LeakKind>> = {
  Leak_DefinitelyLost: 'definite',
  Leak_IndirectlyLost: 'indirect',
  Leak_PossiblyLost: 'possible',
  Leak_StillReachable: 'reachable',
};

/** Reads the XML of memcheck (protocol 4, docs/internals/xml-output-protocol4.txt in Valgrind's sources). */
export function parseValgrind(xml: string, program: Pick<Program, 'name' | 'path'>): NativeVerdict {
  if (!xml.includes('</valgrindoutput>')) throw new Error(`Valgrind's report on ${program.name} is cut off`);
  const records: NativeRecord[] = [];
  const faults: FoundFault[] = [];
  for (const [, error] of xml.matchAll(/<error>([\s\S]*?)<\/error>/g)) {
    const kind = tag(error!, 'kind')!;
    const stacks = [...error!.matchAll(/<stack>([\s\S]*?)<\/stack>/g)].map((match) =>
      valgrindStack(match[1]!),
    );
    const leakKind = valgrindKinds[kind];
    if (leakKind !== undefined) {
      // When a record has indirectly lost blocks below it, <leakedbytes> is the sum; the text has the direct part.
      const text = tag(error!, 'text')!.replaceAll(',', '');
      const bytes = /\((\d+) direct/.exec(text)?.[1] ?? tag(error!, 'leakedbytes')!;
      const stack = own(stacks[0]!, program);
      records.push({
        kind: leakKind,
        blocks: Number(tag(error!, 'leakedblocks')),
        bytes: Number(bytes),
        hanging: Number(/direct (\d+) indirect\)/.exec(text)?.[1] ?? 0),
        line: stack[0]?.line ?? 0,
        stack,
      });
    } else if (kind === 'InvalidFree') {
      const what = tag(error!, 'auxwhat') ?? '';
      const isRealloc = stacks[0]![0]!.function === 'realloc';
      const wasFreed = /free'd$/.test(what);
      const isInside = /inside a block of size .* alloc'd$/.test(what);
      const inner = (stack: RawFrame[] | undefined) => (stack ? (own(stack, program)[0]?.line ?? 0) : null);
      faults.push({
        kind: faultKind(isRealloc, wasFreed, isInside),
        line: inner(stacks[0])!,
        allocatedLine: wasFreed ? inner(stacks[2]) : isInside ? inner(stacks[1]) : null,
        freedLine: wasFreed ? inner(stacks[1]) : null,
      });
    }
  }
  return { records, faults };
}

/** Reads the report of AddressSanitizer with its leak detector. */
export function parseSanitizer(log: string, program: Program): NativeVerdict {
  const records: NativeRecord[] = [];
  const faults: FoundFault[] = [];
  for (const part of log.split(/\n\n+/)) {
    const leak = /^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\)/m.exec(part);
    if (leak === null) continue;
    const stack = own(sanitizerStack(part), program);
    records.push({
      kind: leak[1] === 'Direct' ? 'definite' : 'indirect',
      blocks: Number(leak[3]),
      bytes: Number(leak[2]),
      line: stack[0]?.line ?? 0,
      stack,
    });
  }
  const fault =
    /ERROR: AddressSanitizer: (attempting double-free|attempting free on address which was not)/.exec(log);
  if (fault !== null) {
    const stacks = log.split(/\n(?=freed by|previously allocated by|0x[0-9a-f]+ is located)/);
    const inner = (title: RegExp) => {
      const stack = stacks.find((part) => title.test(part));
      return stack === undefined ? null : (own(sanitizerStack(stack), program)[0]?.line ?? null);
    };
    const isRealloc = /#0 0x[0-9a-f]+ +in (__interceptor_)?realloc/.test(stacks[0]!);
    const wasFreed = fault[1] === 'attempting double-free';
    const isInside = /is located \d+ bytes inside of \d+-byte region/.test(log);
    faults.push({
      kind: faultKind(isRealloc, wasFreed, isInside),
      line: own(sanitizerStack(stacks[0]!), program)[0]?.line ?? 0,
      allocatedLine:
        isInside || wasFreed ? (inner(/^previously allocated by/) ?? inner(/^0x.*allocated by/s)) : null,
      freedLine: wasFreed ? inner(/^freed by/) : null,
    });
  }
  return { records, faults };
}

function faultKind(isRealloc: boolean, wasFreed: boolean, isInside: boolean): HeapFaultKind {
  if (isRealloc) return wasFreed ? 'realloc-freed' : 'realloc-foreign';
  if (wasFreed) return 'double-free';
  return isInside ? 'interior-free' : 'foreign-free';
}

function own(stack: readonly RawFrame[], program: Pick<Program, 'path'>): NativeFrame[] {
  return stack
    .filter((frame) => frame.file === program.path)
    .map((frame) => ({ function: frame.function.replace(/^program_\d+(\(\))?$/, 'main'), line: frame.line }));
}

function valgrindStack(xml: string): RawFrame[] {
  return [...xml.matchAll(/<frame>([\s\S]*?)<\/frame>/g)].map(([, frame]) => ({
    function: tag(frame!, 'fn') ?? '',
    file: join(tag(frame!, 'dir') ?? '', tag(frame!, 'file') ?? ''),
    line: Number(tag(frame!, 'line') ?? 0),
  }));
}

function sanitizerStack(text: string): RawFrame[] {
  return [...text.matchAll(/^\s+#\d+ 0x[0-9a-f]+ +in (\S+) (?:(\S+):(\d+))?/gm)].map((match) => ({
    function: match[1]!,
    file: match[2] ?? '',
    line: Number(match[3] ?? 0),
  }));
}

function tag(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([\\s\\S]*?)</${name}>`)
    .exec(xml)?.[1]
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&apos;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
