// Generates the files that depend on the C runtime's interface, so that each fact has one source:
//
//   src/runtime/layout.ts       from csrc/layout.h: the layout of memory that C and TypeScript share
//   src/runtime/interface.ts    from csrc/interface.h: types of the runtime's imports and exports, and their names
//   wasm/link-*.rsp             from src/compile/link-by-hand.ts: the linker flags of a module
//   tables in docs/linking.md   from csrc/interface.h
//
// A test asserts that all of them are current.
// Usage: npx tsx scripts/generate-interface.ts [--check]   (--check: exit 1 when a file is not current)

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const HOW = 'scripts/generate-interface.ts: do not edit';

/** A generated file, by its path in the repository. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

// -- comments ------------------------------------------------------------------------------------------------------

/** A line of C with the words of the comment before it. */
interface Documented {
  readonly line: string;
  readonly comment: string;
}

/** The lines of a header, each with the comment directly before it. */
function documentedLines(text: string): Documented[] {
  const lines: Documented[] = [];
  let comment = '';
  let open = false;
  for (const line of text.split('\n')) {
    const starts = line.startsWith('/*');
    if (starts || open) {
      const words = line.replace(/^\/\*|\*\/$|^ \*(?!\/)/g, '').replace(/\*\/$/, '');
      comment = starts ? words.trim() : `${comment} ${words.trim()}`;
      open = !line.endsWith('*/');
      continue;
    }
    lines.push({ line, comment: comment.trim() });
    comment = '';
  }
  return lines;
}

const LONGEST_LINE = 110;

/** Formats a TypeScript comment. */
function docComment(words: string, indent = ''): string[] {
  if (words === '') return [];
  const whole = `${indent}/** ${words} */`;
  if (whole.length <= LONGEST_LINE) return [whole];
  const lines = [`${indent} *`];
  for (const word of words.trim().split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length <= LONGEST_LINE) lines[lines.length - 1] = longer;
    else lines.push(`${indent} * ${word}`);
  }
  return [`${indent}/**`, ...lines, `${indent} */`];
}

// -- the layout ----------------------------------------------------------------------------------------------------

function layoutFile(): GeneratedFile {
  const constants = documentedLines(read('csrc/layout.h')).flatMap(({ line, comment }) => {
    const match = /^#define HL_(\w+) (0x[0-9a-f]+|\d+)$/.exec(line);
    return match === null ? [] : [{ name: match[1]!, value: match[2]!, comment }];
  });
  const names = new Set(constants.map(({ name }) => name));
  // The prefix of the constants is dropped in TypeScript.
  const withoutPrefix = (text: string): string =>
    text.replace(/\bHL_(\w+)(\*?)/g, (whole, name: string, star: string) => {
      const isKnown = star === '' ? names.has(name) : [...names].some((each) => each.startsWith(name));
      return isKnown ? `${name}${star}` : whole;
    });
  const lines = [
    `// Generated from csrc/layout.h by ${HOW}.`,
    '// Offsets and sizes are in bytes, all fields are little-endian, an address is a 32-bit offset into linear memory.',
    '',
  ];
  for (const { name, value, comment } of constants)
    lines.push(...docComment(withoutPrefix(comment)), `export const ${name} = ${value};`);
  return { path: 'src/runtime/layout.ts', text: `${lines.join('\n')}\n` };
}

// -- the interface -------------------------------------------------------------------------------------------------

/** What a declaration is for: its first word. */
type Role = 'HOST' | 'FAMILY' | 'REQUEST' | 'LINKED' | 'TEST' | 'IMPORT' | 'TEST_IMPORT';

interface Declaration {
  readonly role: Role;
  /** Name of the export, or of the import. */
  readonly name: string;
  readonly comment: string;
  /** Null for data. */
  readonly parameters: readonly string[] | null;
  readonly isVoid: boolean;
}

const DECLARATION =
  /^HL_(HOST|FAMILY|REQUEST|LINKED|TEST|IMPORT|TEST_IMPORT)(?:\((\w+)\))? (.*?[ *])(\w+)(?:\((.*)\))?;$/;

/** Reads csrc/interface.h. Throws on a line that looks like a declaration but is not one. */
function declarations(): Declaration[] {
  return documentedLines(read('csrc/interface.h')).flatMap(({ line, comment }) => {
    if (!/^HL_/.test(line)) return [];
    const match = DECLARATION.exec(line);
    if (match === null) throw new Error(`csrc/interface.h: not a declaration on one line: ${line}`);
    const [, role, imported, type, name, list] = match;
    if (comment === '' && role !== 'LINKED')
      throw new Error(`csrc/interface.h: ${name} has no comment before it`);
    return {
      role: role as Role,
      name: imported ?? name!,
      comment,
      parameters:
        list === undefined
          ? null
          : list.split(', ').flatMap((each) => (each === 'void' ? [] : [/\w+$/.exec(each)![0]])),
      isVoid: /\bvoid $/.test(type!),
    };
  });
}

function interfaceOf(name: string, comment: string, members: readonly Declaration[]): string[] {
  return [
    ...docComment(comment),
    `export interface ${name} {`,
    ...members.flatMap((each) => [
      ...docComment(each.comment, '  '),
      each.parameters === null
        ? `  readonly ${each.name}: RuntimeAddress;`
        : `  ${each.name}(${each.parameters.map((parameter) => `${parameter}: number`).join(', ')}): ${each.isVoid ? 'void' : 'number'};`,
    ]),
    '}',
    '',
  ];
}

function listOf(name: string, comment: string, members: readonly Declaration[]): string[] {
  const names = members.map((each) => `'${each.name}'`);
  const start = `export const ${name}: readonly string[] = [`;
  const line = `${start}${names.join(', ')}];`;
  const list = line.length <= LONGEST_LINE ? [line] : [start, ...names.map((each) => `  ${each},`), '];'];
  return [...docComment(comment), ...list, ''];
}

function interfaceFile(all: readonly Declaration[]): GeneratedFile {
  const of = (...roles: Role[]): Declaration[] => all.filter(({ role }) => roles.includes(role));
  const lines = [
    `// Generated from csrc/interface.h by ${HOW}.`,
    '// Addresses and sizes are numbers. WebAssembly gives them to JavaScript as signed ones: use `>>> 0`.',
    '',
    '/** An address that a module exports: an immutable global. */',
    'export interface RuntimeAddress {',
    '  readonly value: number;',
    '}',
    '',
    ...interfaceOf(
      'RuntimeImports',
      'The functions that the runtime imports from the module `heapline`.',
      of('IMPORT'),
    ),
    ...interfaceOf(
      'RuntimeTestImports',
      'What objects that are built for tests import as well.',
      of('TEST_IMPORT'),
    ),
    ...interfaceOf(
      'RuntimeExports',
      'What a module exports of the runtime that it is linked with.',
      of('HOST', 'FAMILY', 'REQUEST'),
    ),
    ...interfaceOf('RuntimeTestExports', 'What objects that are built for tests export as well.', of('TEST')),
    ...listOf('HOST_EXPORTS', "The runtime's exports that the host uses.", of('HOST')),
    ...listOf(
      'ALLOCATION_FAMILY',
      "The allocation family, by C's own names: contexts are made for calls of these functions.",
      of('FAMILY'),
    ),
    ...listOf(
      'REQUEST_FUNCTIONS',
      'What a program calls to tell the runtime something: contexts are made for calls of these functions, too.',
      of('REQUEST'),
    ),
  ];
  return { path: 'src/runtime/interface.ts', text: `${lines.join('\n').trimEnd()}\n` };
}

// -- for linkers ---------------------------------------------------------------------------------------------------

async function responseFiles(): Promise<GeneratedFile[]> {
  // This imports the file above, so that file must be current first.
  const { linkFlagsByHand } = await import('../src/compile/link-by-hand.ts');
  return (['wasi', 'emscripten', 'emscripten-sandbox', 'rust'] as const).map((target) => ({
    path: `wasm/link-${target}.rsp`,
    text: `${linkFlagsByHand(target).join('\n')}\n`,
  }));
}

// -- the documentation
// -----------------------------------------------------------------------------------------------

function table(heading: string, rows: readonly Declaration[]): string[] {
  const cell = ({ name, parameters, comment }: Declaration): string => {
    const call = parameters === null ? '' : `(${parameters.join(', ')})`;
    return `| \`${name}${call}\` | ${comment.replaceAll('|', '\\|')} |`;
  };
  return ['', `| ${heading} | |`, '|---|---|', ...rows.map(cell), ''];
}

function documentation(all: readonly Declaration[]): GeneratedFile {
  const path = 'docs/linking.md';
  const tables: Record<string, string[]> = {
    exports: table(
      'export',
      all.filter(({ role }) => role === 'HOST' || role === 'FAMILY' || role === 'REQUEST'),
    ),
    imports: table(
      'import of the module `heapline`',
      all.filter(({ role }) => role === 'IMPORT'),
    ),
  };
  let text = read(path);
  for (const [name, lines] of Object.entries(tables)) {
    const start = `<!-- ${name}: generated by scripts/generate-interface.ts -->\n`;
    const end = `<!-- end of ${name} -->`;
    const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
    if (from < start.length || to < from) throw new Error(`${path} has no marks around the table of ${name}`);
    text = `${text.slice(0, from)}${lines.join('\n')}\n${text.slice(to)}`;
  }
  return { path, text };
}

// -- all of it -----------------------------------------------------------------------------------------------------

/** The files that are generated from C headers only. */
function filesFromHeaders(): GeneratedFile[] {
  const all = declarations();
  return [layoutFile(), interfaceFile(all), documentation(all)];
}

/** Everything that is generated, with the text that it should have now. */
export async function generatedFiles(): Promise<GeneratedFile[]> {
  return [...filesFromHeaders(), ...(await responseFiles())];
}

async function main(): Promise<void> {
  const write = (files: readonly GeneratedFile[]): void => {
    for (const { path, text } of files) writeFileSync(new URL(path, root), text);
  };
  if (!process.argv.includes('--check')) {
    write(filesFromHeaders());
    write(await responseFiles());
    return;
  }
  const stale = (await generatedFiles()).filter(({ path, text }) => read(path) !== text);
  for (const { path } of stale)
    console.error(`${path} is not current: run npx tsx scripts/generate-interface.ts`);
  process.exitCode = stale.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
