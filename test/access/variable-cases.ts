// Functions with one wrong access each to memory beside a variable, in the file of cases.ts and by its rules: one line
// each, and the parameter `bad` is 0 for the same function without the fault.

import type { HeapFaultKind } from '../../src/frames/index.ts';

/** What a checker must say of one function. */
export interface VariableCase {
  readonly name: string;
  readonly body: string;
  readonly kind: HeapFaultKind;
  readonly access: 'read' | 'write';
  /** 0 stands for any. */
  readonly size: number;
  /** The variable that is missed; '' for a variable-length array, memory of alloca or a string literal. */
  readonly variable: string;
  /** Where the first bad byte is: bytes, side, and size of the variable. */
  readonly place: readonly [distance: number, side: 'past' | 'before' | 'into', size: number];
  /** Declarations before the function, on the same line. */
  readonly before?: string;
  /** Libc does it at several places, which are all reported; this is the first one. */
  readonly several?: true;
  /** AddressSanitizer's kind, when it is another one. */
  readonly native?: string;
}

const TYPES = [
  ['char', 'char', 1],
  ['short', 'short', 2],
  ['int', 'int', 4],
  ['float', 'float', 4],
  ['long', 'long long', 8],
  ['double', 'double', 8],
] as const;

const stack = 'stack-buffer-overflow';
const under = 'stack-buffer-underflow';
const global = 'global-buffer-overflow';
const dynamic = 'dynamic-stack-buffer-overflow';
const scope = 'stack-use-after-scope';

/** A variable on the stack, a global one and a static one, missed behind their ends; one on the stack before its start. */
function scalarCases(access: 'read' | 'write'): VariableCase[] {
  return TYPES.flatMap(([name, type, size]): VariableCase[] => {
    const use = (array: string, index: string): string =>
      access === 'read'
        ? `${size === 8 ? 'wide' : 'sink'} += at(${array})[${index}];`
        : `at(${array})[${index}] = (${type})bad;`;
    const key = `${name}_${access}`;
    const common = { access, size, variable: 'v' } as const;
    const local = `${type} v[5]; for (int i = 0; i < 5; i++) at(v)[i] = 1;`;
    return [
      {
        ...{ ...common, name: `stack_${key}`, kind: stack, place: [0, 'past', 5 * size] },
        body: `${local} ${use('v', 'bad ? 5 : 4')}`,
      },
      {
        ...{ ...common, name: `below_${key}`, kind: under, place: [size, 'before', 5 * size] },
        body: `${local} ${use('v', 'bad ? -1 : 0')}`,
      },
      {
        ...{ ...common, name: `global_${key}`, kind: global, place: [0, 'past', 5 * size] },
        ...{ variable: `g_${key}`, before: `${type} g_${key}[5];` },
        body: use(`g_${key}`, 'bad ? 5 : 4'),
      },
    ];
  });
}

const read = 'read';
const write = 'write';

const SPECIAL: readonly VariableCase[] = [
  {
    ...{ name: 'second_of_two', kind: stack, access: write, size: 1, variable: 'w', place: [2, 'past', 10] },
    body: 'char v[10], w[10]; at(v)[0] = 1; at(w)[bad ? 12 : 9] = 1; sink += v[0] + w[1];',
  },
  {
    ...{ name: 'in_loop', kind: stack, access: write, size: 4, variable: 'v', place: [0, 'past', 28] },
    body: 'int v[7]; for (int i = 0; i < 7 + bad; i++) at(v)[i] = i; sink += v[3];',
  },
  {
    ...{ name: 'unaligned_end', kind: stack, access: read, size: 8, variable: 'v', place: [0, 'past', 12] },
    native: 'unknown-crash',
    body: 'char v[12]; memset(at(v), 1, 12); struct { long long a; } __attribute__((packed)) *p = (void *)(at(v) + (bad ? 7 : 4)); wide += p->a;',
  },
  {
    ...{
      name: 'struct_on_stack',
      kind: stack,
      access: write,
      size: 4,
      variable: 's',
      place: [4, 'past', 20],
    },
    body: 'struct { int n, a[4]; } s; at(&s)->n = 1; at(&s)->a[bad ? 5 : 3] = 2; sink += s.n;',
  },
  {
    ...{
      name: 'array_of_structs',
      kind: stack,
      access: read,
      size: 2,
      variable: 's',
      place: [4, 'past', 24],
    },
    body: 'struct { int n; short k; } s[3]; memset(at(s), 0, sizeof s); sink += at(s)[bad ? 3 : 2].k;',
  },
  {
    ...{ name: 'copied_struct', kind: stack, access: read, size: 0, variable: 'v', place: [0, 'past', 32] },
    native: 'unknown-crash',
    body: 'struct big { char c[40]; } to; char v[32]; struct big right; memset(at(v), 1, 32); memset(at(&right), 1, sizeof right); to = bad ? *(struct big *)at(v) : *at(&right); sink += at(&to)->c[3];',
  },
  {
    ...{ name: 'set_stack', kind: stack, access: write, size: 13, variable: 'v', place: [0, 'past', 12] },
    body: 'char v[12]; memset(at(v), 0, bad ? 13 : 12); sink += v[2];',
  },
  {
    ...{ name: 'copy_to_stack', kind: stack, access: write, size: 6, variable: 'v', place: [0, 'past', 5] },
    body: 'char v[5]; strcpy(at(v), bad ? "seven" : "four"); sink += v[1];',
  },
  {
    ...{ name: 'by_callee', kind: stack, access: read, size: 4, variable: 'v', place: [0, 'past', 12] },
    body: 'int v[3] = {1, 2, 3}; sink += leaf(at(v), bad ? 3 : 2);',
  },
  {
    ...{ name: 'in_recursion', kind: stack, access: write, size: 1, variable: 'v', place: [1, 'past', 6] },
    before:
      'NOINLINE static void descend(int depth, int bad) { char v[6]; at(v)[bad && !depth ? 7 : 5] = 1; if (depth) descend(depth - 1, bad); sink += v[5]; }',
    body: 'descend(5, bad);',
  },
  {
    ...{ name: 'inlined', kind: stack, access: write, size: 1, variable: 'v', place: [0, 'past', 9] },
    before:
      '__attribute__((always_inline)) static inline void fill(int n) { char v[9]; for (int i = 0; i < n; i++) at(v)[i] = 1; sink += v[8]; }',
    body: 'fill(bad ? 10 : 9);',
  },
  {
    ...{
      name: 'large_on_stack',
      kind: stack,
      access: write,
      size: 1,
      variable: 'v',
      place: [40, 'past', 5000],
    },
    body: 'char v[5000]; memset(at(v), 0, 5000); at(v)[bad ? 5040 : 4999] = 1; sink += v[7];',
  },
  {
    ...{ name: 'parameter', kind: stack, access: read, size: 4, variable: 'n', place: [0, 'past', 4] },
    before: 'NOINLINE static int behind(int n, int bad) { int *p = at(&n); return p[bad ? 1 : 0]; }',
    body: 'sink += behind(3, bad);',
  },
  {
    ...{
      name: 'variable_length',
      kind: dynamic,
      access: read,
      size: 1,
      variable: '',
      place: [0, 'past', 10],
    },
    before: 'volatile int ten_long = 10;',
    body: 'int n = ten_long; char v[n]; memset(at(v), 1, n); sink += at(v)[bad ? 10 : 9];',
  },
  {
    ...{ name: 'below_variable_length', kind: dynamic, access: write, size: 4, variable: '' },
    place: [4, 'before', 28],
    before: 'volatile int seven_long = 7;',
    body: 'int n = seven_long; int v[n]; at(v)[bad ? -1 : 0] = 1; sink += v[0];',
  },
  {
    ...{
      name: 'allocated_on_stack',
      kind: dynamic,
      access: write,
      size: 1,
      variable: '',
      place: [3, 'past', 21],
    },
    before: 'volatile int of_21 = 21;',
    body: 'char *v = __builtin_alloca(of_21); at(v)[bad ? 24 : 20] = 1; sink += v[0] & 0;',
  },
  {
    ...{ name: 'after_scope', kind: scope, access: read, size: 4, variable: 'v', place: [4, 'into', 12] },
    body: 'int *p, other[3] = {1, 2, 3}; { int v[3]; at(v)[1] = 3; p = at(v); } if (!bad) p = at(other); sink += p[1];',
  },
  {
    ...{
      name: 'after_scope_written',
      kind: scope,
      access: write,
      size: 1,
      variable: 'v',
      place: [6, 'into', 7],
    },
    body: 'char *p, other[7]; for (int i = 0; i < 2; i++) { char v[7]; at(v)[0] = 1; p = at(v); } if (!bad) p = at(other); p[6] = 1;',
  },
  {
    ...{
      name: 'constant_table',
      kind: global,
      access: read,
      size: 2,
      variable: 'squares',
      place: [2, 'past', 12],
    },
    before: 'static const short squares[6] = {0, 1, 4, 9, 16, 25};',
    body: 'sink += at(squares)[bad ? 7 : 5];',
  },
  {
    ...{
      name: 'static_local',
      kind: global,
      access: write,
      size: 4,
      variable: 'counts',
      place: [0, 'past', 16],
    },
    body: 'static int counts[4]; at(counts)[bad ? 4 : 3] = 1;',
  },
  {
    ...{ name: 'literal', kind: global, access: read, size: 1, variable: '', place: [1, 'past', 4] },
    body: 'const char *text = at("abc"); sink += text[bad ? 5 : 3];',
  },
  {
    ...{
      name: 'matrix',
      kind: global,
      access: write,
      size: 8,
      variable: 'matrix_cells',
      place: [8, 'past', 96],
    },
    before: 'double matrix_cells[3][4];',
    body: 'at(matrix_cells)[bad ? 3 : 2][1] = 1;',
  },
  {
    ...{
      name: 'global_struct',
      kind: global,
      access: read,
      size: 1,
      variable: 'record',
      place: [0, 'past', 11],
    },
    before: 'static struct { char id, text[10]; } record;',
    body: 'sink += at(&record)->text[bad ? 10 : 9];',
  },
  {
    ...{ name: 'set_global', kind: global, access: write, size: 11, variable: 'ten', place: [0, 'past', 10] },
    before: 'char ten[10];',
    body: 'memset(at(ten), 1, bad ? 11 : 10);',
  },
  {
    ...{
      name: 'constant_index',
      kind: global,
      access: write,
      size: 1,
      variable: 'three',
      place: [2, 'past', 3],
    },
    before: 'volatile char three[3];',
    body: 'if (bad) three[5] = 1; else three[2] = 1;',
  },
  {
    ...{ name: 'constant_offset', kind: stack, access: write, size: 1, variable: 'v', place: [1, 'past', 3] },
    body: 'volatile char v[3]; v[0] = 1; at(v); if (bad) v[4] = 1; else v[2] = 1; sink += v[0];',
  },
  {
    ...{ name: 'printed', kind: stack, access: write, size: 0, variable: 'v', place: [0, 'past', 4] },
    several: true,
    body: 'char v[4]; sprintf(at(v), "%d", bad ? 12345 : 123); sink += v[0];',
  },
];

/** All cases about variables. */
export const variableCases: readonly VariableCase[] = [
  ...scalarCases('read'),
  ...scalarCases('write'),
  ...SPECIAL,
];

/** Lines before the first function. `endless` ends by a trap, and `at` hides from the compiler where a pointer points. */
export const VARIABLE_HEAD = [
  'int endless(int depth) { char v[16]; v[depth & 15] = 1; return depth < 0 ? v[3] : endless(depth + 1) + v[depth & 7]; }',
  '#define at(pointer) ({ __typeof__(&*(pointer)) hidden = (pointer); __asm__ volatile("" : "+r"(hidden) : : "memory"); hidden; })',
];

/** The functions, one on each line. */
export function variableLines(): string[] {
  return variableCases.map(
    ({ name, before = '', body }) =>
      `${before === '' ? '' : `${before} `}NOINLINE void ${name}(int bad) { ${body} }`,
  );
}
