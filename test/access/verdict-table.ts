// Writes docs/access-verdicts.md from the list of wrong accesses: `npx tsx test/access/verdict-table.ts`. The tests beside
// this file prove each verdict in it.

import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { faultWords } from '../../src/frames/index.ts';
import { accessCases } from './cases.ts';
import { variableCases } from './variable-cases.ts';

/** The whole page. */
export function verdictTable(): string {
  const rows = accessCases.map(({ name, kind, access, size, position, differs, memcheck }) => {
    const cells = [name, faultWords[kind].title, `${access}${size === 0 ? '' : ` of ${size}`}`, position];
    return `| ${[...cells, differs ?? 'agrees', memcheck ?? 'agrees'].join(' | ')} |`;
  });
  const besideVariables = variableCases.map(({ name, kind, access, size, variable, place, native }) => {
    const [distance, side, whole] = place;
    const position = `${distance} ${side} ${variable === '' ? 'a nameless one' : variable} of ${whole}`;
    return `| ${[name, kind, `${access}${size === 0 ? '' : ` of ${size}`}`, position, native ?? kind].join(' | ')} |`;
  });
  const agreeing = (all: readonly (string | undefined)[]): number =>
    all.filter((reason) => reason === undefined).length;
  return `# Verdicts about wrong accesses

${accessCases.length} functions with one wrong access each, and the same functions without it. Heapline judges them at -O0 and -O2 with a
system clang, and a sample with the embedded clang and Emscripten. It finds each with the kind, the direction, the size
and the position below, at the line of the access, and nothing in the right ones. Native judges see the same C:
AddressSanitizer (gcc, -O0 and -Og) agrees on ${agreeing(accessCases.map(({ differs }) => differs))} in kind, direction, size, position and line; Valgrind's memcheck (gcc,
-O0) agrees on ${agreeing(accessCases.map(({ memcheck }) => memcheck))} in direction, position and line. It has no kinds: its reports say only whether a block was
freed. \`test/access\` has the tests, and one of them compares this page.

| function | kind | access | position | AddressSanitizer | memcheck |
|---|---|---|---|---|---|
${rows.join('\n')}

## Beside variables

${variableCases.length} functions miss a variable on the stack or a global one, or use one whose block has ended. Heapline judges them in the
same builds. AddressSanitizer (gcc, -O0 and -Og) names the same variable, distance, direction and line, and nothing in the
right ones. It calls an access that begins inside of a variable and ends outside an unknown crash. Valgrind's memcheck does
not look for them.

| function | kind | access | position, in bytes | AddressSanitizer's kind |
|---|---|---|---|---|
${besideVariables.join('\n')}
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync('docs/access-verdicts.md', verdictTable());
}
