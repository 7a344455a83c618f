// Functions with one wrong access each, as C that is both compiled to WebAssembly and natively. A function takes 1 to go
// wrong and 0 to do the same correctly. Each function stands on one line, so the line of its access is known.

import type { HeapFaultKind } from '../../src/frames/index.ts';
import { VARIABLE_HEAD, variableCases, variableLines } from './variable-cases.ts';

/** What a checker must say of one function. */
export interface AccessCase {
  /** Name of the function. */
  readonly name: string;
  /** Body of the function; `bad` is its parameter. */
  readonly body: string;
  readonly kind: HeapFaultKind;
  readonly access: 'read' | 'write';
  readonly size: number;
  /** In the words of our reports. */
  readonly position: string;
  /** Libc does it at several places, which are all reported; this is the first one. */
  readonly several?: true;
  /** AddressSanitizer says something else, for this reason. */
  readonly differs?: string;
  /** Memcheck says something else, for this reason. */
  readonly memcheck?: string;
}

interface ScalarType {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

const TYPES: readonly ScalarType[] = [
  { name: 'char', type: 'char', size: 1 },
  { name: 'short', type: 'short', size: 2 },
  { name: 'int', type: 'int', size: 4 },
  { name: 'float', type: 'float', size: 4 },
  { name: 'long', type: 'long long', size: 8 },
  { name: 'double', type: 'double', size: 8 },
];

const bytes = (count: number): string => `${count} byte${count === 1 ? '' : 's'}`;
const past = (distance: number, size: number): string =>
  `${bytes(distance)} past the end of a block of ${bytes(size)}`;
const before = (distance: number, size: number): string =>
  `${bytes(distance)} before a block of ${bytes(size)}`;
const freed = (inside: number, size: number): string =>
  `${bytes(inside)} into a freed block of ${bytes(size)}`;

/** The five ways of going wrong, by index, for one type and direction. */
function scalarCases({ name, type, size }: ScalarType, access: 'read' | 'write'): AccessCase[] {
  const use = (place: string): string =>
    access === 'read' ? `${size === 8 ? 'wide' : 'sink'} += ${place};` : `${place} = (${type})bad;`;
  const make = (count: number): string =>
    `${type} *p = hide(malloc(${count} * sizeof *p)); for (int i = 0; i < ${count}; i++) p[i] = 1;`;
  const common = { access, size } as const;
  const key = `${name}_${access}`;
  return [
    {
      ...common,
      name: `over_${key}`,
      body: `${make(5)} ${use('p[bad ? 5 : 4]')} free(p);`,
      kind: 'heap-buffer-overflow',
      position: past(0, 5 * size),
    },
    {
      ...common,
      name: `under_${key}`,
      body: `${make(6)} ${use('p[bad ? -1 : 0]')} free(p);`,
      kind: 'heap-buffer-overflow',
      position: before(size, 6 * size),
    },
    {
      ...common,
      name: `freed_${key}`,
      body: `${make(7)} if (bad) free(p); ${use('p[3]')} if (!bad) free(p);`,
      kind: 'heap-use-after-free',
      position: freed(3 * size, 7 * size),
    },
    {
      ...common,
      name: `moved_${key}`,
      body: `${make(4)} ${type} *q = hide(realloc(p, 4000)); ${use('(bad ? p : q)[2]')} free(q);`,
      kind: 'heap-use-after-free',
      position: freed(2 * size, 4 * size),
    },
    {
      ...common,
      name: `loop_${key}`,
      body: `${make(3)} for (int i = 0; i < 3 + bad; i++) { ${use('p[i]')} } free(p);`,
      kind: 'heap-buffer-overflow',
      // The compiler makes the loop a memset.
      ...(access === 'write' && size === 1 ? { size: 0 } : {}),
      position: past(0, 3 * size),
    },
  ];
}

const over = 'heap-buffer-overflow';

const SPECIAL: readonly AccessCase[] = [
  {
    name: 'partial_read',
    body: 'char *p = hide(malloc(13)); memset(p, 1, 13); sink += ((struct packed *)(p + (bad ? 10 : 9)))->word; free(p);',
    ...{ kind: over, access: 'read', size: 4, position: past(0, 13) },
  },
  {
    name: 'partial_write',
    body: 'char *p = hide(malloc(21)); ((struct packed *)(p + (bad ? 18 : 17)))->word = 7; free(p);',
    ...{ kind: over, access: 'write', size: 4, position: past(0, 21) },
  },
  {
    name: 'empty_read',
    body: 'char *p = hide(malloc(bad ? 0 : 1)); *p = 0; free(p);',
    ...{ kind: over, access: 'write', size: 1, position: past(0, 0) },
    differs: 'natively malloc(0) has one byte',
  },
  {
    name: 'member_read',
    body: 'struct pair *p = hide(malloc(bad ? 8 : sizeof *p)); p->left = 1; wide += p->right; free(p);',
    ...{ kind: over, access: 'read', size: 8, position: past(0, 8) },
  },
  {
    name: 'member_write',
    body: 'struct pair *p = hide(malloc(bad ? 8 : sizeof *p)); p->left = 1; p->right = 2; free(p);',
    ...{ kind: over, access: 'write', size: 8, position: past(0, 8) },
  },
  {
    name: 'second_member',
    body: 'int *p = hide(malloc(bad ? 12 : 16)); p[0] = 1; p[1] = 2; p[2] = 3; p[3] = 4; sink += p[0]; free(p);',
    ...{ kind: over, access: 'write', size: 4, position: past(0, 12) },
    differs: 'the native compiler may merge the stores',
  },
  {
    name: 'increment',
    body: 'int *p = hide(malloc(20)); memset(p, 0, 20); p[bad ? 5 : 4] += 3; free(p);',
    ...{ kind: over, access: 'read', size: 4, position: past(0, 20) },
  },
  {
    name: 'far_read',
    body: 'char *p = hide(malloc(10)); p[0] = 1; sink += p[bad ? 17 : 0]; free(p);',
    ...{ kind: over, access: 'read', size: 1, position: past(7, 10) },
  },
  {
    name: 'large_over',
    body: 'char *p = hide(malloc(100000)); p[bad ? 100000 : 99999] = 1; free(p);',
    ...{ kind: over, access: 'write', size: 1, position: past(0, 100000).replace('100000', '100,000') },
  },
  {
    name: 'large_under',
    body: 'long long *p = hide(malloc(80000)); p[bad ? -1 : 0] = 1; free(p);',
    ...{ kind: over, access: 'write', size: 8, position: before(8, 80000).replace('80000', '80,000') },
  },
  {
    name: 'cleared_over',
    body: 'short *p = hide(calloc(9, 2)); sink += p[bad ? 9 : 8]; free(p);',
    ...{ kind: over, access: 'read', size: 2, position: past(0, 18) },
  },
  {
    name: 'aligned_over',
    body: 'int *p = hide(aligned_alloc(64, 64)); p[bad ? 16 : 15] = 1; free(p);',
    ...{ kind: over, access: 'write', size: 4, position: past(0, 64) },
  },
  {
    name: 'shrunk',
    body: 'int *p = hide(malloc(80)); p = hide(realloc(p, 40)); p[bad ? 10 : 9] = 1; free(p);',
    ...{ kind: over, access: 'write', size: 4, position: past(0, 40) },
  },
  {
    name: 'in_leaf',
    body: 'int *p = hide(malloc(24)); memset(p, 0, 24); sink += leaf(p, bad ? 6 : 5); free(p);',
    ...{ kind: over, access: 'read', size: 4, position: past(0, 24) },
  },
  {
    name: 'copy_to',
    body: 'char *p = hide(malloc(90)), *q = hide(malloc(100)); memset(q, 1, 100); memcpy(p, q, bad ? 91 : 90); free(p); free(q);',
    ...{ kind: over, access: 'write', size: 91, position: past(0, 90) },
  },
  {
    name: 'copy_from',
    body: 'char *p = hide(malloc(200)), *q = hide(malloc(100)); memset(q, 1, 100); memcpy(p, q, bad ? 109 : 100); free(p); free(q);',
    ...{ kind: over, access: 'read', size: 109, position: past(0, 100) },
    memcheck: 'its memcpy begins at the other end',
  },
  {
    name: 'move_to',
    body: 'char *p = hide(malloc(64)); memset(p, 1, 64); memmove(p + 8, p, bad ? 57 : 56); free(p);',
    ...{ kind: over, access: 'write', size: 57, position: past(0, 64) },
  },
  {
    name: 'set_over',
    body: 'char *p = hide(malloc(33)); memset(p, 1, bad ? 40 : 33); free(p);',
    ...{ kind: over, access: 'write', size: 40, position: past(0, 33) },
  },
  {
    name: 'set_freed',
    body: 'char *p = hide(malloc(480)); if (bad) free(p); memset(p, 1, 480); if (!bad) free(p);',
    ...{ kind: 'heap-use-after-free', access: 'write', size: 480, position: freed(0, 480) },
  },
  {
    name: 'string_copy',
    body: 'char *p = hide(malloc(8)); strcpy(p, hide(bad ? "12345678" : "1234567")); sink += *p; free(p);',
    ...{ kind: over, access: 'write', size: 9, position: past(0, 8) },
  },
  {
    name: 'string_part',
    body: 'char *p = hide(malloc(10)); strncpy(p, hide("hello"), bad ? 12 : 10); sink += *p; free(p);',
    ...{ kind: over, access: 'write', size: 12, position: past(0, 10) },
  },
  {
    name: 'string_length',
    body: 'char *p = hide(malloc(5)); memset(p, 1, 5); if (!bad) p[4] = 0; sink += (int)strlen(p); free(p);',
    ...{ kind: over, access: 'read', size: 0, position: past(0, 5) },
  },
  {
    name: 'string_freed',
    body: 'char *p = hide(strdup(hide("word"))); if (bad) free(p); sink += (int)strlen(p); if (!bad) free(p);',
    ...{ kind: 'heap-use-after-free', access: 'read', size: 0, position: freed(0, 5) },
  },
  {
    name: 'find_byte',
    body: 'char *p = hide(malloc(7)); memset(p, 1, 7); sink += memchr(p, 2, bad ? 9 : 7) != 0; free(p);',
    ...{ kind: over, access: 'read', size: 0, position: past(0, 7) },
  },
  {
    name: 'append',
    body: 'char *p = hide(malloc(8)); strcpy(p, "1234"); strcat(p, hide(bad ? "5678" : "567")); sink += *p; free(p);',
    ...{ kind: over, access: 'write', size: 0, position: past(0, 8) },
  },
  {
    name: 'print',
    body: 'char *p = hide(malloc(6)); sprintf(p, "%s", hide(bad ? "abcdef" : "abcde")); sink += *p; free(p);',
    ...{ kind: over, access: 'write', size: 0, position: past(0, 6) },
  },
  {
    name: 'print_freed',
    body: 'char *p = hide(malloc(64)), *q = hide(malloc(64)); strcpy(p, "text"); if (bad) free(p); snprintf(q, 64, "<%s>", p); sink += *q; free(q); if (!bad) free(p);',
    ...{ kind: 'heap-use-after-free', access: 'read', size: 0, position: freed(0, 64), several: true },
  },
  {
    name: 'compare_bytes',
    body: 'char *p = hide(malloc(9)), *q = hide(calloc(12, 1)); memset(p, 0, 9); sink += memcmp(p, q, bad ? 12 : 9); free(p); free(q);',
    ...{ kind: over, access: 'read', size: 0, position: past(0, 9) },
  },
  {
    name: 'compare_text',
    body: 'char *p = hide(malloc(4)); memcpy(p, "same", 4); if (!bad) p[3] = 0; sink += strcmp(p, hide("same!")); free(p);',
    ...{ kind: over, access: 'read', size: 0, position: past(0, 4) },
  },
  {
    name: 'find_text',
    body: 'char *p = hide(malloc(5)); memset(p, 1, 5); if (!bad) p[4] = 0; sink += strchr(p, 2) != 0; free(p);',
    ...{ kind: over, access: 'read', size: 0, position: past(0, 5), several: true },
  },
  {
    name: 'duplicate',
    body: 'char *p = hide(malloc(3)); memset(p, 1, 3); if (!bad) p[2] = 0; free(strdup(p)); free(p);',
    ...{ kind: over, access: 'read', size: 0, position: past(0, 3), several: true },
  },
  {
    name: 'number',
    body: 'char *p = hide(malloc(4)); memset(p, 0x31, 4); if (!bad) p[3] = 0; sink += atoi(p); free(p);',
    ...{ kind: over, access: 'read', size: 0, position: past(0, 4) },
  },
  {
    name: 'callback',
    body: 'int *p = hide(malloc(16)); p[0] = 3; p[1] = 1; p[2] = 2; p[3] = 0; sorted = p; beyond = bad ? 4 : 0; qsort(p, 4, sizeof *p, by_value); sink += p[0]; free(p);',
    ...{ kind: over, access: 'read', size: 4, position: past(0, 16) },
  },
  {
    name: 'through_pointer',
    body: 'void *(*copy)(void *, const void *, size_t) = hide(&memcpy); char *p = hide(malloc(40)), *q = hide(malloc(50)); memset(q, 1, 50); copy(p, q, bad ? 41 : 40); sink += *p; free(p); free(q);',
    ...{ kind: over, access: 'write', size: 0, position: past(0, 40), several: true },
  },
];

/** All cases. A size of 0 stands for any. */
export const accessCases: readonly AccessCase[] = [
  ...TYPES.flatMap((type) => [...scalarCases(type, 'read'), ...scalarCases(type, 'write')]),
  ...SPECIAL,
];

/** Lines before the first function. */
const HEAD = [
  '#include <stdio.h>',
  '#include <stdlib.h>',
  '#include <string.h>',
  'struct pair { long long left, right; };',
  'struct packed { char before[0]; int word; } __attribute__((packed));',
  'volatile int sink;',
  'volatile long long wide;',
  '#define NOINLINE __attribute__((noinline))',
  '#define hide(pointer) ({ __typeof__(&*(pointer)) hidden = (pointer); __asm__ volatile("" : "+r"(hidden)); hidden; })',
  '#define NEW(p) ({ void *hidden = (p); __asm__ volatile("" : "+r"(hidden)); hidden; })',
  'NOINLINE static int leaf(int *p, int i) { return p[i]; }',
  'static int *sorted, beyond;',
  'NOINLINE static int by_value(const void *a, const void *b) { if (beyond) sink += sorted[beyond]; return *(int *)a - *(int *)b; }',
] as const;

/** The functions in which two cases go wrong. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  in_leaf: 'int leaf(',
  by_callee: 'int leaf(',
  callback: 'int by_value(',
};

/** How many lines stand between the head and the line of a function. */
function placeOf(name: string): number {
  const at = accessCases.findIndex((each) => each.name === name);
  if (at >= 0) return at;
  return accessCases.length + VARIABLE_HEAD.length + variableCases.findIndex((each) => each.name === name);
}

/** The line of a case's access. */
export function lineOf(name: string): number {
  const elsewhere = ELSEWHERE[name];
  return elsewhere !== undefined
    ? HEAD.findIndex((line) => line.includes(elsewhere)) + 1
    : HEAD.length + 1 + placeOf(name);
}

/**
 * The functions as C; natively with a main that calls the one that is named.
 * @param all natively, main calls them all, and each goes wrong
 */
export function accessSource(native: boolean, all = false): string {
  const lines = [
    ...HEAD,
    // `hide` of what malloc returns keeps its type.
    ...accessCases.map(
      ({ name, body }) =>
        `NOINLINE void ${name}(int bad) { ${body.replaceAll(/hide\((\w*alloc\()/g, 'NEW($1')} }`,
    ),
    ...VARIABLE_HEAD,
    ...variableLines(),
  ];
  if (!native) return `${lines.join('\n')}\n`;
  if (all) {
    const each = accessCases.map(({ name }) => `${name}(1);`);
    return `${lines.join('\n')}\nint main(void) { ${each.join(' ')} return 0; }\n`;
  }
  const calls = [...accessCases, ...variableCases].map(
    ({ name }) => `if (!strcmp(argv[1], "${name}")) ${name}(bad);`,
  );
  lines.push(`int main(int argc, char **argv) { int bad = argc < 3; ${calls.join(' ')} return 0; }`);
  return `${lines.join('\n')}\n`;
}
