// What the debug information of real programs is read as, judged by others: clang says where each field of each struct
// is, the module's own code says which types its functions have, and TypeScript checks the declarations.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { fieldsOf, nameOf, type RecordType, sizeOf } from '../../src/c-types/c-type.ts';
import { DebugIndex } from '../../src/c-types/debug-index.ts';
import { ModuleTypes } from '../../src/c-types/index.ts';
import { signatureOf } from '../../src/c-types/signature.ts';
import { isRecordTag, TypeReader } from '../../src/c-types/type-reader.ts';
import { compile, type ToolchainName } from '../../src/compile/index.ts';
import { type Corpus, corpora, corpusBuild, fetchCorpora } from '../corpora/corpora.ts';
import { FULL } from '../support/full.ts';
import { setjmpHeader } from '../support/symbol-programs.ts';
import { strictErrors } from './strict.ts';

const run = promisify(execFile);
/** Limit for a module that no other test has compiled yet, in milliseconds. */
const BUILD_LIMIT = 1_800_000;

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-c-types-'));
  await fetchCorpora();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A module that other tests compile as well. */
async function moduleOf(corpus: Corpus, toolchain: ToolchainName): Promise<Uint8Array> {
  return (await compile(corpus.sources, corpusBuild(corpus, toolchain))).wasm;
}

interface Read {
  readonly wasm: Uint8Array;
  readonly index: DebugIndex;
  readonly reader: TypeReader;
}

async function read(corpus: Corpus, toolchain: ToolchainName): Promise<Read> {
  const wasm = await moduleOf(corpus, toolchain);
  const module = readModule(wasm);
  const index = new DebugIndex((name) => module.customSection(name));
  return { wasm, index, reader: new TypeReader(index) };
}

/** The records that a source defines outside of functions, by the name that C has for them. */
function recordsOf({ index, reader }: Read, source: string): ReadonlyMap<string, RecordType> {
  const records = new Map<string, RecordType>();
  for (const { entry, unit, declared, local, name } of index.types()) {
    if (declared || local || unit.name !== source) continue;
    const type = reader.at(entry);
    if (type.kind !== 'record' || type.name === null) continue;
    // A typedef may lead to a struct that this source only declares.
    const plain = type.name.replace(/@.*$/, '');
    // Debian's clang gets a setjmp.h of the tests, whose jmp_buf is not that of the embedded clang.
    if (/jmp_?buf/.test(plain)) continue;
    if (plain === name || isRecordTag(index.typeAt(entry)!.tag)) records.set(plain, type);
  }
  return records;
}

/** Assertions that every field is where it is said to be, and as large. */
function assertionsOf(records: ReadonlyMap<string, RecordType>): {
  readonly text: string;
  readonly count: number;
} {
  const lines: string[] = [];
  for (const [name, record] of records) {
    // A library may have macros of the names of types and fields.
    lines.push(`#undef ${name.replace(/^\w+ /, '')}`);
    lines.push(`_Static_assert(sizeof(${name}) == ${record.size}, "sizeof ${name}");`);
    for (const field of fieldsOf(record)) {
      if (field.bits !== null) continue;
      lines.push(`#undef ${field.name}`);
      const place = `__builtin_offsetof(${name}, ${field.name})`;
      lines.push(`_Static_assert(${place} == ${field.offset}, "${name}.${field.name}");`);
      const { type } = field;
      if (type.kind === 'array' && type.count === null) continue;
      const size = `sizeof(((${name} *)0)->${field.name})`;
      lines.push(`_Static_assert(${size} == ${sizeOf(type)}, "sizeof ${name}.${field.name}");`);
    }
  }
  return { text: lines.join('\n'), count: lines.filter((line) => line.startsWith('_')).length };
}

/** The messages of clang about this text behind a source. */
async function judged(corpus: Corpus, source: string, text: string, clang: string): Promise<string[]> {
  const file = join(folder, `${basename(source)}.check.c`);
  writeFileSync(file, `#include "${source}"\n${text}\n`);
  const defines = Object.entries(corpus.define).map(([name, value]) =>
    value === true ? `-D${name}` : `-D${name}=${value}`,
  );
  const include = [...corpus.include, ...(corpus.setjmp ? [setjmpHeader()] : [])];
  const args = [
    '--target=wasm32-wasi',
    '-isystem',
    '/usr/include/wasm32-wasi',
    ...include.map((each) => `-I${each}`),
    ...defines,
    ...corpus.flags,
    ...['-fsyntax-only', '-ferror-limit=0', file],
  ];
  try {
    await run(clang, args, { maxBuffer: 2 ** 26 });
    return [];
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    return stderr.split('\n').filter((line) => / error: /.test(line));
  }
}

const JUDGED = ['sqlite3', 'expat', 'duktape'];

describe.each(corpora.filter(({ name }) => FULL || JUDGED.includes(name)))('$name', (corpus) => {
  // Debian's sysroot for clang has no setjmp, so the embedded clang 22 builds what needs it.
  const toolchains: readonly (readonly [ToolchainName, string])[] = corpus.setjmp
    ? [['embedded', 'clang-22']]
    : [
        ['clang', process.env.HEAPLINE_CLANG ?? 'clang'],
        ...(FULL ? [['embedded', 'clang-22'] as const] : []),
      ];

  test.each(toolchains)(
    'has every field where clang has it (%s)',
    { timeout: BUILD_LIMIT },
    async (toolchain, clang) => {
      const module = await read(corpus, toolchain);
      let count = 0;
      for (const source of corpus.sources) {
        const { text, count: some } = assertionsOf(recordsOf(module, source));
        expect(await judged(corpus, source, text, clang)).toEqual([]);
        count += some;
      }
      expect(count).toBeGreaterThan(200);
      // Clang does look at the assertions.
      const source = corpus.sources.at(-1);
      const wrong = assertionsOf(recordsOf(module, source!)).text.replace(/== (\d+)/g, '== 1$1');
      expect((await judged(corpus, source!, wrong, clang)).length).toBeGreaterThan(0);
    },
  );

  test.each(toolchains)(
    'has functions of the types that their code has (%s)',
    { timeout: BUILD_LIMIT },
    async (toolchain) => {
      const { wasm, index, reader } = await read(corpus, toolchain);
      const module = readModule(wasm);
      const bodies = new Map(
        module.bodies.map(({ start }, i) => [start - module.codeStart, i + module.importedFunctions]),
      );
      const codes: Readonly<Record<number, string>> = { 127: 'i32', 126: 'i64', 125: 'f32', 124: 'f64' };
      const unknown: string[] = [];
      let count = 0;
      for (const described of index.functions) {
        const body = bodies.get(described.address);
        // An optimiser changes the parameters of functions that it knows all callers of.
        if (body === undefined || (!described.external && toolchain !== 'embedded')) continue;
        const { parameters, results } = module.functionType(body);
        const types = [parameters, results].map((list) => list.map(({ code }) => codes[code] ?? '?'));
        if (signatureOf(described, types[0]!, types[1]!, index, reader) === null)
          unknown.push(described.name);
        count++;
      }
      expect(unknown).toEqual([]);
      expect(count).toBeGreaterThan(10);
      expect(index.warnings).toEqual([]);
    },
  );
});

describe.each(corpora)('the declarations of $name', (corpus) => {
  test('compile under --strict', { timeout: BUILD_LIMIT }, async () => {
    const wasm = await moduleOf(corpus, corpus.setjmp ? 'embedded' : 'clang');
    const text = new ModuleTypes(wasm).declarations().join('\n');
    expect(text).toContain('workload(scale: number): number;');
    expect(strictErrors({ '/types.d.ts': text })).toEqual([]);
  });
});

test('names of records are those that C has for them', async () => {
  const { index, reader } = await read(corpora.find(({ name }) => name === 'expat')!, 'clang');
  const names = [...index.types()].map(({ entry }) => nameOf(reader.at(entry)));
  expect(names).toContain('struct XML_ParserStruct');
  expect(names).toContain('struct encoding');
});
