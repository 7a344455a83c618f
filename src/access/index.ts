// The door of `access`: a module in, the same module with a check before each access to memory that could be wrong, and
// with slots.

import { type Around, unitDone } from '../algorithms/watched-work.ts';
import { ExternalKind, Opcode, readModule, skipInstruction, type WasmModule } from '../binary/index.ts';
import type { Grafted } from '../graft/index.ts';
import {
  type CodeOrigin,
  type InstrumentedModule,
  type InstrumentOptions,
  instrument,
  type ScannedCalls,
  uncheckedBodies,
} from '../instrument/index.ts';
import { platform } from '../platform/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { REQUEST_FUNCTIONS } from '../runtime/index.ts';
import { type EmittedModule, Emitter } from './emit.ts';
import { addHostFunctions } from './host-calls.ts';
import { addLeavingFunctions, openerOf } from './leaving.ts';
import { addRangeFunctions, isUnchecked, redirectPointers } from './libc-calls.ts';
import { plainPlan } from './plain-plan.ts';
import { checkFunctions, runtimeFunctions } from './runtime-functions.ts';
import { limitToShadow, planShadow, type ShadowPlan } from './shadow-place.ts';
import { addSizedDeletes } from './sized-deletes.ts';
import { Variables } from './variables.ts';
import { Walk, type WalkedModule } from './walk.ts';

/** Static data that begins here or behind is told from fields of structures by the offsets of instructions. */
const LEAST_STATIC = 0x10000;

/** The pass that inserts the checks. */
class ChecksPass {
  constructor(
    readonly plan: ShadowPlan,
    readonly moved: number,
  ) {}

  run(rewriter: Rewriter, calls: ScannedCalls): void {
    const { module } = rewriter;
    limitToShadow(rewriter, this.plan);
    const functions = checkFunctions(rewriter, this.plan.place);
    const names = module.functionNames();
    const siteOffset = -(module.codeStart + this.moved);
    const replaced = addRangeFunctions(rewriter, names, functions);
    redirectPointers(rewriter, replaced, siteOffset);
    const opener = openerOf(module, calls);
    for (const [index, target] of [
      ...addHostFunctions(rewriter, functions),
      ...addSizedDeletes(rewriter, names),
      ...(opener === null ? [] : addLeavingFunctions(rewriter, opener)),
    ]) {
      replaced.set(index, target);
    }
    const { sites } = calls;
    const closing = calls.graph.reaching(CLOSING);
    const variables = new Variables(module, calls);
    const layout = layoutOf(module, variables);
    const walked: WalkedModule = {
      module,
      siteOffset,
      sites,
      closing,
      replaced,
      variables,
      opener,
      ...layout,
    };
    const emitted: EmittedModule = { rewriter, functions, siteOffset, replaced, opener };
    const own = runtimeFunctions(module, calls);
    const unchecked = uncheckedBodies(module, this.moved);
    for (let body = 0; body < module.bodies.length; body += 1) {
      unitDone(body, module.bodies.length);
      const index = body + module.importedFunctions;
      if (
        own[index] === 1 ||
        unchecked.has(body) ||
        isLeftOut(module, body, names.size === 0 ? null : (names.get(index) ?? ''))
      )
        continue;
      const planned = new Walk(walked, body).plan() ?? plainPlan(walked, body);
      const emitter = new Emitter(emitted, body);
      for (const each of planned) emitter.emit(each);
    }
  }
}

/**
 * The functions that close memory, also on request: after a call that may lead to one of them, nothing is known of what is
 * open.
 */
const CLOSING: readonly string[] = ['free', 'realloc', 'reallocarray', ...REQUEST_FUNCTIONS];

/** Where the module keeps what. Static data between redzones is checked. */
function layoutOf(
  module: WasmModule,
  variables: Variables,
): Pick<WalkedModule, 'stackPointer' | 'staticStart' | 'staticEnd'> {
  const address = (name: string): number | null => {
    const found = module.export(name, ExternalKind.Global);
    return found === undefined ? null : (module.globals[found.index]!.initializer?.i32 ?? null);
  };
  const start = address('__global_base');
  const end = address('__data_end');
  const known = start !== null && end !== null && start >= LEAST_STATIC && !variables.hasGlobals;
  return {
    stackPointer: module.export('__stack_pointer', ExternalKind.Global)?.index ?? -1,
    staticStart: known ? start : 0,
    staticEnd: known ? end : 0,
  };
}

/** Whether a function is left out because it reads whole words on purpose. @param name null in a module without names */
function isLeftOut(module: WasmModule, body: number, name: string | null): boolean {
  return name === null ? looksForZeroBytes(module, body) : isUnchecked(name);
}

/** Whether code has the constant by which strlen and its like look at the bytes of a word at once. */
function looksForZeroBytes(module: WasmModule, body: number): boolean {
  const { bytes } = module;
  const { end } = module.bodies[body]!;
  for (let at = module.heads.code[body]!; at < end; at = skipInstruction(bytes, at, end)) {
    if (bytes[at] === Opcode.I32Const && isHighBits(bytes, at + 1)) return true;
  }
  return false;
}

/** 0x80808080 as a signed LEB128 integer: the high bit of each byte of a word. */
const HIGH_BITS_BYTES = [0x80, 0x81, 0x82, 0x84, 0x78];

function isHighBits(bytes: Uint8Array, at: number): boolean {
  return HIGH_BITS_BYTES.every((byte, index) => bytes[at + index] === byte);
}

function withChecks(
  bytes: Uint8Array,
  options: InstrumentOptions,
  origin: CodeOrigin | null,
): InstrumentedModule {
  const plan = planShadow(readModule(bytes), options.maxMemory);
  const pass = new ChecksPass(plan, origin?.moved ?? 0);
  return instrument(bytes, {}, [(rewriter, calls) => pass.run(rewriter, calls)], origin, plan.place);
}

/**
 * Instruments a module with checks of its accesses. The runtime is grafted in if the module was not linked with it.
 * Throws what `instrument` and `graft` throw, and an UnsupportedModuleError or an InvalidArgumentError when there is no
 * place for the shadow.
 * @param around does the part that waits for nothing
 */
export async function instrumentWithChecks(
  bytes: Uint8Array,
  options: InstrumentOptions = {},
  around: Around = (work) => work(),
): Promise<InstrumentedModule> {
  if (isLinked(bytes)) return around(() => withChecks(bytes, options, null));
  const [{ graft }] = await Promise.all([import('../graft/index.ts'), platform().fetchRuntimeObjects?.()]);
  return around(() => graftWithChecks(bytes, options, graft));
}

/** The same without waiting. @param graft puts the runtime into a module that was linked without it */
export function instrumentWithChecksNow(
  bytes: Uint8Array,
  options: InstrumentOptions,
  graft: (bytes: Uint8Array) => Grafted,
): InstrumentedModule {
  return isLinked(bytes) ? withChecks(bytes, options, null) : graftWithChecks(bytes, options, graft);
}

function isLinked(bytes: Uint8Array): boolean {
  return readModule(bytes).export('heapline_runtime', ExternalKind.Global) !== undefined;
}

function graftWithChecks(
  bytes: Uint8Array,
  options: InstrumentOptions,
  graft: (bytes: Uint8Array) => Grafted,
): InstrumentedModule {
  const { bytes: grafted, origin } = graft(bytes);
  return withChecks(grafted, options, origin);
}
