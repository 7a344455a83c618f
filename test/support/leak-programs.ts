// Reads the expectations of the programs in test/leaks/programs from the comments on their lines. Each file is two
// programs: the faulty one, as the file stands, and the fixed one, which is built with -DFIXED and in which a checker
// must find nothing. Expectations are about the faulty one.
//
//   /* expect: definite 3 blocks 96 bytes */   blocks of this class allocated on this line, all contexts summed
//   /* expect: definite 1 block 8|16 bytes, indirect 5 blocks 40|80 bytes */   two classes; sizes for 32|64 bits
//   /* expect: definite 1 block 8|16 bytes with 40|80 */   and these indirectly lost bytes hang on the block
//   /* expect: reachable * blocks * bytes */   any number of blocks from one up
//   /* expect: somewhere definite 1 block * bytes */   on any line of the program
//   /* expect: double-free p */                the heap is misused here, with the block that is called p
//   /* expect: allocated p */  /* expect: freed p */   where that block was allocated, and freed first
// and in the opening comment:
//   needs: setjmp              a feature that not every toolchain has; programs in C++ need `c++`
//   differs(lsan): why         the named checker gives another result: `lsan`, `lsan-split` (the division of lost
//                              blocks into direct and indirect) or `valgrind`
//   Fixed: how                 how the fixed program differs

import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HeapFaultKind } from '../../src/frames/index.ts';
import { type LeakKind, leakKinds } from '../../src/report/index.ts';

/** Folder of the programs. */
export const programsFolder = fileURLToPath(new URL('../leaks/programs/', import.meta.url));

/** Width of a pointer, in bits, for which somebody asks for sizes. */
export type PointerBits = 32 | 64;

export interface ExpectedLeak {
  readonly kind: LeakKind;
  /** Line of the allocating call; null for any line of the program. */
  readonly line: number | null;
  /** Null for any number from one up. */
  readonly blocks: number | null;
  /** By pointer width; null for any number. */
  readonly bytes: Readonly<Record<PointerBits, number>> | null;
  /** Bytes that hang on the blocks, by pointer width; null for any number. */
  readonly hanging: Readonly<Record<PointerBits, number>> | null;
}

export interface ExpectedFault {
  readonly kind: HeapFaultKind;
  readonly line: number;
  /** Null when the pointer belongs to no block. */
  readonly allocatedLine: number | null;
  /** Null when the block was not freed before. */
  readonly freedLine: number | null;
}

export interface Program {
  /** File name without `.c` or `.cpp`, then `-leak`, `-bad` (the heap is misused) or `-clean` (the fixed program). */
  readonly name: string;
  readonly path: string;
  /** True when the program is built with -DFIXED. */
  readonly fixed: boolean;
  readonly leaks: readonly ExpectedLeak[];
  readonly faults: readonly ExpectedFault[];
  /** Features that not every toolchain has. */
  readonly needs: readonly string[];
  /** Checkers that give another result, with the reason. */
  readonly differences: ReadonlyMap<string, string>;
}

/** What a checker found on one line, in one class. */
export interface FoundLeak {
  readonly kind: LeakKind;
  readonly line: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Bytes that hang on the blocks. Left out by a checker that does not say so. */
  readonly hanging?: number;
}

/** A misuse that a checker found. */
export type FoundFault = ExpectedFault;

const faultKinds: readonly HeapFaultKind[] = [
  'double-free',
  'interior-free',
  'foreign-free',
  'unallocated-free',
  'realloc-freed',
  'realloc-foreign',
];

/** Reads all programs, in the order of their names. */
export function readPrograms(): Program[] {
  const programs = readdirSync(programsFolder)
    .filter((name) => /\.c(pp)?$/.test(name))
    .flatMap((file) => readBuilds(`${programsFolder}${file}`));
  return programs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The two programs of a file. */
function readBuilds(path: string): Program[] {
  const faulty = readProgram(path);
  const fixed = {
    ...faulty,
    name: `${basename(path, extname(path))}-clean`,
    fixed: true,
    leaks: [],
    faults: [],
    differences: new Map(),
  };
  return [faulty, fixed];
}

/** The lines that the compiler sees without -DFIXED, with their numbers. */
function* faultyLines(source: string, complain: (line: number, problem: string) => never) {
  let inFixed: boolean | null = null;
  let builds = 0;
  for (const [index, text] of source.split('\n').entries()) {
    if (text === '#ifdef FIXED' || text === '#ifndef FIXED') {
      inFixed = text === '#ifdef FIXED';
      builds++;
    } else if (inFixed !== null && text === '#else') inFixed = !inFixed;
    else if (inFixed !== null && text === '#endif') inFixed = null;
    else if (inFixed !== true) yield [index + 1, text] as const;
    else if (text.includes('expect:')) complain(index + 1, 'the fixed program expects nothing');
  }
  if (builds === 0) complain(1, 'a program has a fixed build, between #ifdef FIXED and #endif');
}

function readProgram(path: string): Program {
  const source = readFileSync(path, 'utf8');
  const complain = (line: number, problem: string): never => {
    throw new Error(`${path}:${line}: ${problem}`);
  };

  const opening = source.slice(0, source.indexOf('*/')).replace(/\n \* ?/g, ' ');
  const needs = [...opening.matchAll(/needs: (\w+)/g)].map((match) => match[1]!);
  if (extname(path) === '.cpp') needs.push('c++');
  const differences = new Map(
    [...opening.matchAll(/differs\(([\w-]+)\): ([^.]+)\./g)].map((match) => [match[1]!, match[2]!]),
  );

  const leaks: ExpectedLeak[] = [];
  const faults: { kind: HeapFaultKind; line: number; block: string }[] = [];
  const allocated = new Map<string, number>();
  const freed = new Map<string, number>();
  for (const [line, text] of faultyLines(source, complain)) {
    for (const [, items] of text.matchAll(/\/\* expect: (.*?) \*\//g)) {
      for (const item of items!.split(', ')) {
        const leak =
          /^(somewhere )?(\w+) (\d+|\*) blocks? (\d+|\*)(?:\|(\d+))? bytes?(?: with (\d+|\*)(?:\|(\d+))?)?$/.exec(
            item,
          );
        const mark = /^([\w-]+) (\w+)$/.exec(item);
        if (leak && (leakKinds as readonly string[]).includes(leak[2]!)) {
          leaks.push({
            kind: leak[2] as LeakKind,
            line: leak[1] ? null : line,
            blocks: leak[3] === '*' ? null : Number(leak[3]),
            bytes: leak[4] === '*' ? null : { 32: Number(leak[4]), 64: Number(leak[5] ?? leak[4]) },
            hanging:
              leak[6] === '*' ? null : { 32: Number(leak[6] ?? 0), 64: Number(leak[7] ?? leak[6] ?? 0) },
          });
        } else if (mark?.[1] === 'allocated') allocated.set(mark[2]!, line);
        else if (mark?.[1] === 'freed') freed.set(mark[2]!, line);
        else if (mark && (faultKinds as readonly string[]).includes(mark[1]!)) {
          faults.push({ kind: mark[1] as HeapFaultKind, line, block: mark[2]! });
        } else complain(line, `not an expectation: "${item}"`);
      }
    }
  }
  if (leaks.length === 0 && faults.length === 0) complain(1, 'a program expects something on its lines');
  return {
    name: `${basename(path, extname(path))}-${faults.length > 0 ? 'bad' : 'leak'}`,
    path,
    fixed: false,
    leaks,
    faults: faults.map(({ kind, line, block }) => ({
      kind,
      line,
      allocatedLine: allocated.get(block) ?? null,
      freedLine: freed.get(block) ?? null,
    })),
    needs,
    differences,
  };
}

/**
 * Compares the leaks that a checker found with those that a program expects, and describes each difference in a
 * sentence. An empty list means that they agree. Several records of one line and class are summed.
 */
export function compareLeaks(program: Program, found: readonly FoundLeak[], bits: PointerBits): string[] {
  const sums = new Map<
    string,
    { kind: LeakKind; line: number; blocks: number; bytes: number; hanging: number | undefined }
  >();
  for (const leak of found) {
    const key = `${leak.kind} ${leak.line}`;
    const sum = sums.get(key) ?? {
      kind: leak.kind,
      line: leak.line,
      blocks: 0,
      bytes: 0,
      hanging: leak.hanging === undefined ? undefined : 0,
    };
    sum.blocks += leak.blocks;
    sum.bytes += leak.bytes;
    if (sum.hanging !== undefined) sum.hanging += leak.hanging ?? 0;
    sums.set(key, sum);
  }
  const differences: string[] = [];
  const rest = new Set(sums.values());
  for (const leak of program.leaks) {
    const match = [...rest].find(
      (sum) => sum.kind === leak.kind && (leak.line === null || sum.line === leak.line),
    );
    const wanted = `line ${leak.line ?? 'any'}: ${leak.kind} ${leak.blocks ?? '*'} blocks ${leak.bytes?.[bits] ?? '*'} bytes`;
    if (match === undefined) {
      differences.push(`${wanted} not found`);
      continue;
    }
    rest.delete(match);
    const blocksAgree = leak.blocks === null || leak.blocks === match.blocks;
    const bytesAgree = leak.bytes === null || leak.bytes[bits] === match.bytes;
    if (!blocksAgree || !bytesAgree) {
      differences.push(`${wanted} found as ${match.blocks} blocks ${match.bytes} bytes`);
    }
    const hanging = leak.hanging?.[bits];
    if (hanging !== undefined && match.hanging !== undefined && match.hanging !== hanging) {
      differences.push(`${wanted} with ${hanging} bytes found with ${match.hanging}`);
    }
  }
  for (const sum of rest) {
    differences.push(`line ${sum.line}: ${sum.kind} ${sum.blocks} blocks ${sum.bytes} bytes not expected`);
  }
  return differences;
}

/**
 * The leaks of a program that LeakSanitizer can see. It knows no possible losses (an interior pointer keeps a block
 * alive, as a pointer to the start does), does not report reachable blocks, and ends the program at the first misuse.
 */
export function lostLeaks(program: Program): Program {
  const isLost = (leak: ExpectedLeak) => leak.kind === 'definite' || leak.kind === 'indirect';
  return { ...program, leaks: program.faults.length > 0 ? [] : program.leaks.filter(isLost) };
}

/** The same leaks, with the direct and indirect losses of a line summed. */
export function unsplit(program: Program): Program {
  const leaks = new Map<number | null, ExpectedLeak>();
  for (const leak of program.leaks) {
    const sum = leaks.get(leak.line);
    const add = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);
    const blocks = sum === undefined ? leak.blocks : add(sum.blocks, leak.blocks);
    const bytes =
      sum === undefined
        ? leak.bytes
        : sum.bytes &&
          leak.bytes && { 32: sum.bytes[32] + leak.bytes[32], 64: sum.bytes[64] + leak.bytes[64] };
    leaks.set(leak.line, { ...leak, kind: 'definite', blocks, bytes, hanging: null });
  }
  return { ...program, leaks: [...leaks.values()] };
}

/** Compares the misuses that a checker found with those that a program expects, in the order in which they happen. */
export function compareFaults(program: Program, found: readonly FoundFault[]): string[] {
  const differences: string[] = [];
  for (let i = 0; i < Math.max(program.faults.length, found.length); i++) {
    const wanted = faultText(program.faults[i]);
    const got = faultText(found[i]);
    if (wanted !== got) differences.push(`${wanted} found as ${got}`);
  }
  return differences;
}

function faultText(fault: ExpectedFault | undefined): string {
  if (fault === undefined) return 'nothing';
  const lines = `allocated on line ${fault.allocatedLine ?? '-'}, freed on line ${fault.freedLine ?? '-'}`;
  return `${fault.kind} on line ${fault.line} of a block ${lines}`;
}
