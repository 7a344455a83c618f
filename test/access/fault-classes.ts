// One program for each class of faults of memory, and which tools find it. The table in docs/memory-errors.md is made of
// this list, and fault-classes.witness.test.ts proves it.

/** Tools in the order of the table. */
export const TOOLS = ['Heapline', 'AddressSanitizer', 'memcheck'] as const;
export type Tool = (typeof TOOLS)[number];

interface FaultClass {
  /** What is wrong, for people. */
  readonly what: string;
  /** The function that does it; it may use `n`, which is 0, and `sink`. */
  readonly body: string;
  readonly found: readonly Tool[];
}

const ALL: readonly Tool[] = TOOLS;

/** The classes by the names of their functions. */
export const faultClasses: Readonly<Record<string, FaultClass>> = {
  beside_block: {
    what: 'heap: beside a block',
    body: 'char *p = malloc(10); p[10 + n] = 1; free(p);',
    found: ALL,
  },
  beside_large: {
    what: 'heap: 100 bytes past a block of 1,000',
    body: 'char *p = malloc(1000); p[1100 + n] = 1; free(p);',
    found: ALL,
  },
  into_other: {
    what: 'heap: from one block into another',
    body: 'char *p = malloc(64), *q = malloc(64); p[q - p + n] = 1; free(p), free(q);',
    found: [],
  },
  inside_block: {
    what: 'heap: from one field of a struct into the next',
    body: 'struct { char a[8], b[8]; } *p = calloc(1, sizeof *p); char *a = p->a; a[8 + n] = 1; free(p);',
    found: [],
  },
  after_free: {
    what: 'heap: after free',
    body: 'char *p = malloc(10); free(p); sink = p[3 + n];',
    found: ALL,
  },
  long_after_free: {
    what: 'heap: after free, when 1 MiB was freed since',
    body: 'char *p = malloc(64); free(p); for (int i = 0; i < 1024; i++) free(malloc(1024)); for (int i = 0; i < 9; i++) q[i] = malloc(64); sink = p[3 + n];',
    found: ['AddressSanitizer', 'memcheck'],
  },
  twice: { what: 'heap: freed twice', body: 'char *p = malloc(10); free(p); free(p + n);', found: ALL },
  inner: {
    what: 'heap: free of an address inside of a block',
    body: 'char *p = malloc(10); free(p + 4 + n);',
    found: ALL,
  },
  lost: {
    what: 'heap: a lost block',
    body: 'char *p = malloc(10 + n); p[0] = 1; p = 0; sink = p == 0;',
    found: ALL,
  },
  through_null: { what: 'a null pointer', body: 'int *p = (int *)(long)n; *p = 1;', found: ALL },
  beside_array: {
    what: 'stack: beside an array',
    body: 'char before[32], a[10], behind[32]; hide(before), hide(a), hide(behind); a[10 + n] = 1; hide(a);',
    found: ['Heapline', 'AddressSanitizer'],
  },
  after_block: {
    what: 'stack: after the end of the block',
    body: 'char *p; { char a[10]; p = hide(a); } p[n] = 1;',
    found: ['Heapline', 'AddressSanitizer'],
  },
  after_return: { what: 'stack: after return', body: 'char *p = inner_array(); sink = p[n];', found: [] },
  beside_global: {
    what: 'beside a global variable',
    body: 'global[10 + n] = 1;',
    found: ['Heapline', 'AddressSanitizer'],
  },
  unset_block: {
    what: 'heap: a branch on bytes that nobody has written',
    body: 'char *p = malloc(10); if (p[3 + n] == 7) puts("seven"); free(p);',
    found: ['memcheck'],
  },
  unset_array: {
    what: 'stack: a branch on bytes that nobody has written',
    body: 'char a[10]; hide(a); if (a[3 + n] == 7) puts("seven");',
    found: ['memcheck'],
  },
  overlap: {
    what: 'memcpy of overlapping ranges',
    body: 'char *p = calloc(1, 32); memcpy(p + 4 + n, p, 16); free(p);',
    found: ['AddressSanitizer'],
  },
};

/** The program: its argument is the name of a function. */
export function classesSource(): string {
  const names = Object.entries(faultClasses);
  return `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static volatile int n, sink;
static char global[10];
static char *q[9];
static void *hide(void *p) { __asm__ volatile("" : "+r"(p) : : "memory"); return p; }
static char *inner_array(void) { char a[10] = "abc"; return hide(a); }
${names.map(([name, { body }]) => `static void ${name}(void) { ${body} }`).join('\n')}
int main(int argc, char **argv) {
  for (int i = 0; i < 9; i++) if (argc > 9) puts(q[i]);
${names.map(([name]) => `  if (argc > 1 && !strcmp(argv[1], "${name}")) ${name}();`).join('\n')}
  return 0;
}
`;
}

/** The table in docs/memory-errors.md. */
export function classesTable(): string {
  const rows = Object.values(faultClasses).map(({ what, found }) => {
    const cells = TOOLS.map((tool) => (found.includes(tool) ? 'found' : '–'));
    return `| ${[what, ...cells].join(' | ')} |`;
  });
  return ['| fault | Heapline | AddressSanitizer | memcheck |', '|---|---|---|---|', ...rows, ''].join('\n');
}
