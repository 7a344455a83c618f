// Where a module has the operators new and delete of C++: the runtime tells by their code in which way a block is
// allocated or freed (csrc/operators.c). The operators are known by their names, as compilers or linkers write them.
//
// An optimiser of linked modules may have put operators into their callers, or may have taken one for another that has the
// same code. Then the names say nothing. Linkers write the index of each called function in five bytes, and such optimisers
// in as few as possible. Optimisers that run when a module is linked do the same and leave no trace, but the small operators,
// which free, have no callers then. Both are asked of modules that others have linked.

import { readModule, type WasmModule } from '../binary/index.ts';
import { type CallSites, SiteFlag, scanCalls } from '../instrument/index.ts';
import * as layout from '../runtime/layout.ts';
import type { PreparedModule } from './prepared-module.ts';

/** What an operator does. */
export interface Operator {
  readonly way: number;
  readonly frees: boolean;
}

/** The code of an operator, or of a function that operators share, in offsets of the original code. */
export interface OperatorCode {
  /** WAY_MALLOC for a function that operators share. */
  readonly way: number;
  readonly start: number;
  readonly end: number;
}

/** `operator new` and `operator delete` of the C++ library, in all its forms, as the Itanium ABI names them. */
const MANGLED =
  /^_Z(?:n([wa])[mj](?:St11align_val_t)?(?:RKSt9nothrow_t)?|d([la])Pv[mj]?(?:St11align_val_t)?(?:RKSt9nothrow_t)?)$/;
/** The same as linkers write them. Other parameters are those of a program's own forms. */
const DEMANGLED =
  /^operator (new|delete)(\[\])?\((?:unsigned (?:long|int)|void\*)(?:, (?:unsigned (?:long|int)|std::align_val_t|std::nothrow_t const&))*\)$/;
/** What the operators of LLVM's C++ library share. */
const SHARED = /operator_new_(?:aligned_)?impl|__libcpp_aligned_(?:alloc|free)/;

/** What the function of this name does; null when it is no operator. */
export function operatorNamed(name: string): Operator | null {
  const mangled = MANGLED.exec(name);
  if (mangled !== null) {
    const [, allocates, frees] = mangled;
    return operator((allocates ?? frees) === 'a', allocates === undefined);
  }
  const demangled = DEMANGLED.exec(name);
  return demangled === null ? null : operator(demangled[2] !== undefined, demangled[1] === 'delete');
}

function operator(array: boolean, frees: boolean): Operator {
  return { way: array ? layout.WAY_NEW_ARRAY : layout.WAY_NEW, frees };
}

/** The operators of modules that others have linked, and of those that this package has. */
const known = [new WeakMap<PreparedModule, readonly OperatorCode[]>(), new WeakMap()] as const;

/**
 * The operators of a module. Empty when their names say nothing.
 * @param linkedHere whether this package has linked it, which optimises nothing after compiling
 */
export function operatorsOf(module: PreparedModule, linkedHere: boolean): readonly OperatorCode[] {
  const found = known[linkedHere ? 1 : 0];
  let operators = found.get(module);
  if (operators === undefined) {
    operators = findOperators(module, linkedHere);
    found.set(module, operators);
  }
  return operators;
}

function findOperators({ instrumented }: PreparedModule, linkedHere: boolean): readonly OperatorCode[] {
  const module = readModule(instrumented.bytes);
  const functions = new Map<number, Operator>();
  const shared = new Set<number>();
  for (const [index, name] of module.functionNames()) {
    const found = operatorNamed(name);
    if (found !== null) functions.set(index, found);
    else if (SHARED.test(name)) shared.add(index);
  }
  if (functions.size === 0) return [];
  const ways = linkedHere ? ALL_WAYS : trustedWays(module, instrumented.bodies.length, functions, shared);
  if (!ways.has(layout.WAY_NEW)) return [];
  const code = (index: number, way: number): OperatorCode[] => {
    const body = instrumented.bodies[index - module.importedFunctions];
    return body === undefined ? [] : [{ way, start: body.start, end: body.end }];
  };
  const all = [
    ...[...functions].flatMap(([index, { way }]) => code(index, ways.has(way) ? way : layout.WAY_NEW)),
    ...[...shared].flatMap((index) => code(index, layout.WAY_MALLOC)),
  ];
  return all.length > layout.OPERATORS_MOST ? [] : all;
}

const ALL_WAYS: ReadonlySet<number> = new Set([layout.WAY_NEW, layout.WAY_NEW_ARRAY]);

/** The ways of which the names of operators tell the truth: those to allocate and to free have callers. */
function trustedWays(
  module: WasmModule,
  bodies: number,
  functions: ReadonlyMap<number, Operator>,
  shared: ReadonlySet<number>,
): ReadonlySet<number> {
  const calls = scanCalls(module);
  const [allocated, freed] = [new Set<number>(), new Set<number>()];
  if (!isAsLinked(module, calls)) return allocated;
  for (let body = 0; body < bodies; body += 1) {
    const caller = body + module.importedFunctions;
    if (functions.has(caller) || shared.has(caller)) continue;
    for (let site = calls.first[body]!; site < calls.first[body + 1]!; site += 1) {
      const called = isDirect(calls, site) ? functions.get(calls.target[site]!) : undefined;
      if (called !== undefined) (called.frees ? freed : allocated).add(called.way);
    }
  }
  return new Set([...ALL_WAYS].filter((way) => allocated.has(way) && freed.has(way)));
}

const isDirect = ({ flags }: CallSites, site: number): boolean =>
  (flags[site]! & (SiteFlag.Indirect | SiteFlag.Reference)) === 0;

/** Bytes of an index of a function as linkers write it. */
const LINKED = 5;

/** Whether the calls are as a linker has written them. */
function isAsLinked({ bytes }: WasmModule, calls: CallSites): boolean {
  for (let site = 0; site < calls.count; site += 1) {
    if (!isDirect(calls, site)) continue;
    const index = bytes.subarray(calls.position[site]! + 1, calls.position[site]! + LINKED);
    if (index.every((byte) => byte >= 0x80)) return true;
  }
  return false;
}
