// Which function of a module has which role in its allocator. Exports and the name section say so;
// what they leave open, recognise.ts finds out.

import { ByteReader, ExternalKind, Opcode, type WasmModule } from '../binary/index.ts';

/** The functions of the allocation family that can be replaced. */
export const ROLES = [
  'malloc',
  'free',
  'calloc',
  'realloc',
  'reallocarray',
  'memalign',
  'aligned_alloc',
  'posix_memalign',
  'valloc',
  'malloc_usable_size',
] as const;
/**
 * SQLite's realloc, into which optimisers inline that of libc: it keeps the size of a block in the 8 bytes before the
 * block.
 */
export const PREFIXED_REALLOC = 'realloc with a prefix';
/**
 * Rust's realloc, into which that of its dlmalloc is inlined. It takes a block, its size, its alignment and the new size,
 * and the block is never null.
 */
export const RUST_REALLOC = '__rust_realloc';
/** Rust's free, which takes the size and the alignment of the block, too, and compares them with the block's header. */
export const RUST_DEALLOC = '__rust_dealloc';
/** Functions of C++ and Rust that may have an allocator of their own, which is recorded and never replaced. */
export type OwnRole =
  | 'operator new'
  | 'operator delete'
  | '__rust_alloc'
  | '__rust_alloc_zeroed'
  | typeof RUST_REALLOC
  | typeof RUST_DEALLOC;
export type Role = (typeof ROLES)[number] | OwnRole | typeof PREFIXED_REALLOC;
/** The roles of Rust's functions, whose parameters are not those of C. */
export const RUST_ROLES: readonly Role[] = [RUST_REALLOC, RUST_DEALLOC];

/** A function with a role. */
export interface RoleFunction {
  readonly role: Role;
  readonly index: number;
  /** The name by which it was found; '' when no name told it. */
  readonly name: string;
  readonly by: 'export' | 'name' | 'behaviour';
}

/** What allocators put before the C name: dlmalloc, emmalloc and mimalloc, and the names that the libcs use inside. */
const PREFIXES = ['', '__libc_', 'emscripten_builtin_', 'dl', 'emmalloc_', 'mi_', '__'];
const ALIASES = new Map<string, Role>([
  ['dlmalloc_usable_size', 'malloc_usable_size'],
  ['emmalloc_usable_size', 'malloc_usable_size'],
  ['mi_usable_size', 'malloc_usable_size'],
]);
for (const role of ROLES) for (const prefix of PREFIXES) ALIASES.set(prefix + role, role);

/** All functions with a role. The first one of a role is that which programs call: the export, or C's own name. */
export function findRoles(module: WasmModule): RoleFunction[] {
  const found: RoleFunction[] = [];
  const add = (role: Role | undefined, index: number, name: string, by: RoleFunction['by']): void => {
    if (role === undefined || index < module.importedFunctions) return;
    if (found.some((each) => each.index === index)) return;
    found.push({ role, index, name, by });
  };
  for (const { kind, name, index } of module.exports) {
    if (kind !== ExternalKind.Function) continue;
    add(ALIASES.get(name.replace(/^_(?=[a-z])/, '')), index, name, 'export');
  }
  const named = [...module.functionNames()];
  for (const own of [true, false]) {
    for (const [index, name] of named) {
      if ((ROLES as readonly string[]).includes(name) === own) add(ALIASES.get(name), index, name, 'name');
    }
  }
  // wasi-libc's malloc only calls dlmalloc, which calloc and others call directly.
  for (const { role, index, name, by } of found) {
    const target = forwardedTo(module, index);
    if (target !== null) add(role, target, name, by);
  }
  return found;
}

/** The function that a function does nothing but call with its own parameters; null when it does anything else. */
export function forwardedTo(module: WasmModule, index: number): number | null {
  const { start, end } = module.bodies[index - module.importedFunctions]!;
  const reader = new ByteReader(module.bytes, start, end);
  if (reader.u32() !== 0) return null;
  for (const parameter of module.functionType(index).parameters.keys()) {
    if (reader.byte() !== Opcode.LocalGet || reader.u32() !== parameter) return null;
  }
  if (reader.byte() !== Opcode.Call) return null;
  const target = reader.u32();
  if (target < module.importedFunctions || module.functions[target] !== module.functions[index]) return null;
  return reader.byte() === Opcode.End && reader.offset === end ? target : null;
}

/** The names of these functions in all their forms, mangled or not, with and without what JavaScript puts before them. */
const OWN_NAMES: readonly (readonly [RegExp, (match: RegExpExecArray) => Role])[] = [
  [/^(?:operator new(?:\[\])?(?:\(.*)?|_{1,2}Zn[wa][mj]\w*)$/, () => 'operator new'],
  [/^(?:operator delete(?:\[\])?(?:\(.*)?|_{1,2}Zd[la]Pv\w*)$/, () => 'operator delete'],
  [/(?:^|::|\d_)(__rust_(?:alloc_zeroed|alloc|realloc|dealloc))$/, (match) => match[1] as Role],
];

function ownRole(name: string): Role | undefined {
  for (const [names, role] of OWN_NAMES) {
    const match = names.exec(name);
    if (match !== null) return role(match);
  }
  return undefined;
}

/** Functions of C++ and Rust that allocate and free, by their names and exports. */
export function findOwnRoles(module: WasmModule): RoleFunction[] {
  const found = new Map<number, RoleFunction>();
  const add = (index: number, name: string, by: RoleFunction['by']): void => {
    const role = ownRole(name);
    if (role === undefined || index < module.importedFunctions || found.has(index)) return;
    found.set(index, { role, index, name, by });
  };
  for (const { kind, name, index } of module.exports) {
    if (kind === ExternalKind.Function) add(index, name, 'export');
  }
  for (const [index, name] of module.functionNames()) add(index, name, 'name');
  return [...found.values()];
}
