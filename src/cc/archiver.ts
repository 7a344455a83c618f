// `heapline ar` and `heapline ranlib`: the operations of ar that builds use, on archives with an index of WebAssembly's
// symbols. Nothing else is needed on the machine.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FileError, InvalidArgumentError } from '../errors.ts';
import { VERSION } from '../profile/version.ts';
import { type Member, readArchive, writeArchive } from './archive.ts';
import { wordsOf } from './command-line.ts';

const OPERATIONS = 'dmpqrtx';
/** Writes the index again: an operation of its own, or an addition to another one. */
const INDEX = 's';

/** Runs ar or ranlib. Returns the exit status. */
export function runArchiver(tool: 'ar' | 'ranlib', given: readonly string[]): number {
  const args = given.flatMap((arg) =>
    arg.startsWith('@') && existsSync(arg.slice(1)) ? wordsOf(read(arg.slice(1)).toString()) : [arg],
  );
  if (args.some((arg) => arg === '--version' || arg === '-V')) {
    process.stdout.write(`heapline ${tool} ${VERSION}\n`);
    return 0;
  }
  if (tool === 'ranlib') {
    for (const file of args.filter((arg) => !arg.startsWith('-'))) save(file, membersOf(file));
    return 0;
  }
  const words = args.filter((arg) => !/^--(?:format|plugin|target|rsp-quoting|thin)\b/.test(arg));
  const [keys = '', file, ...names] = words;
  const letters = [...keys.replace(/^-/, '')];
  const operation =
    letters.find((key) => OPERATIONS.includes(key)) ?? (letters.includes(INDEX) ? INDEX : undefined);
  if (operation === undefined || file === undefined) {
    throw new InvalidArgumentError(
      'ar',
      `usage: heapline ar [-]{${OPERATIONS}${INDEX}}[cvuDSo] archive.a [file.o…]`,
    );
  }
  return operate(operation, { file, names, verbose: keys.includes('v'), silent: keys.includes('c') });
}

interface Request {
  readonly file: string;
  readonly names: readonly string[];
  readonly verbose: boolean;
  /** Whether a new archive is expected. */
  readonly silent: boolean;
}

function operate(operation: string, { file, names, verbose, silent }: Request): number {
  const isNamed = ({ name }: Member): boolean =>
    names.length === 0 || names.some((each) => path.basename(each) === name);
  if (operation === 'r' || operation === 'q') {
    if (!existsSync(file) && !silent) process.stderr.write(`heapline ar: creating ${file}\n`);
    const members = existsSync(file) ? membersOf(file) : [];
    for (const each of names) {
      const member = { name: path.basename(each), bytes: read(each) };
      const at = operation === 'r' ? members.findIndex(({ name }) => name === member.name) : -1;
      if (verbose) process.stdout.write(`${at < 0 ? 'a' : 'r'} - ${each}\n`);
      if (at < 0) members.push(member);
      else members[at] = member;
    }
    save(file, members);
    return 0;
  }
  const members = membersOf(file);
  switch (operation) {
    case INDEX:
      save(file, members);
      break;
    case 'd':
      save(file, names.length === 0 ? members : members.filter((member) => !isNamed(member)));
      break;
    case 'm':
      save(file, [...members.filter((member) => !isNamed(member)), ...members.filter(isNamed)]);
      break;
    case 't':
      process.stdout.write(
        members
          .filter(isNamed)
          .map(({ name }) => `${name}\n`)
          .join(''),
      );
      break;
    case 'p':
      for (const { bytes } of members.filter(isNamed)) process.stdout.write(bytes);
      break;
    case 'x':
      for (const { name, bytes } of members.filter(isNamed)) {
        if (verbose) process.stdout.write(`x - ${name}\n`);
        writeFileSync(path.basename(name), bytes);
      }
      break;
  }
  return 0;
}

function membersOf(file: string): Member[] {
  return readArchive(read(file), file).members;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new FileError(file, `${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

function save(file: string, members: readonly Member[]): void {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, writeArchive(members));
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new FileError(file, `${file} cannot be written: ${error.message}.`, { cause: error });
  }
}
