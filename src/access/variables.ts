// What a linked module says of variables that clang has put between redzones (csrc/variables.c): where the redzones of
// global variables are, and where the variables of a frame are. Accesses to a variable itself need no check.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { ExternalKind, Opcode, peekI32, peekU32, skipInstruction, type WasmModule } from '../binary/index.ts';
import { initialWord, type ScannedCalls } from '../instrument/index.ts';

/** Words of struct __asan_global, and which of them are the address, the size, and the size with the redzone. */
const GLOBAL = { Words: 8, Start: 0, Size: 1, WithRedzone: 2 } as const;
const WORD = 4;
/** More global variables than this are not believed. */
const MOST_GLOBALS = 2 ** 20;
/** Longer descriptions of frames are not believed. */
const LONGEST_DESCRIPTION = 2 ** 16;
/** The redzone behind the last variable of a frame is not larger. */
const LARGEST_REDZONE = 288;

/** Bytes from `from` up to `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The variables of a frame, in offsets from its start. */
export interface FrameVariables {
  readonly variables: readonly Range[];
  /** Where the last redzone ends at the latest. */
  readonly end: number;
}

/** Memory as it is before the module runs. */
class InitialMemory {
  readonly #segments: { readonly address: number; readonly start: number; readonly end: number }[] = [];

  constructor(readonly module: WasmModule) {
    for (const { mode, memory, offset, start, end } of module.data) {
      const address = offset?.i32 ?? null;
      if (mode === 'active' && memory === 0 && address !== null) this.#segments.push({ address, start, end });
    }
  }

  byte(address: number): number {
    let value = 0;
    for (const segment of this.#segments) {
      const at = segment.start + address - segment.address;
      if (at >= segment.start && at < segment.end) value = this.module.bytes[at]!;
    }
    return value;
  }

  /** Text up to a zero byte. */
  text(address: number): string {
    const bytes: number[] = [];
    for (let at = address, byte = this.byte(at); byte !== 0; byte = this.byte(++at)) {
      if (bytes.push(byte) > LONGEST_DESCRIPTION) return '';
    }
    return String.fromCharCode(...bytes.slice(0, LONGEST_DESCRIPTION));
  }
}

/** The variables of a module that are between redzones. */
export class Variables {
  /** Address of the word by which code finds the shadow; -1 when the module has none. */
  readonly shadowWord: number;
  readonly #memory: InitialMemory;
  readonly #frames = new Map<number, FrameVariables>();
  /** The redzones of global variables: where each begins and ends, in order. */
  readonly #redzones: readonly Range[];
  readonly #ends: readonly number[];

  constructor(
    readonly module: WasmModule,
    calls: ScannedCalls,
  ) {
    const found = module.export('__asan_shadow_memory_dynamic_address', ExternalKind.Global);
    this.shadowWord = (found && module.globals[found.index]!.initializer?.i32) ?? -1;
    this.#memory = new InitialMemory(module);
    const register = module.export('__asan_register_globals', ExternalKind.Function)?.index ?? -1;
    const redzones = registrations(module, calls, register).flatMap(({ address, count }) =>
      Array.from({ length: count }, (_, index) => this.#redzone(address + index * GLOBAL.Words * WORD)),
    );
    this.#redzones = redzones.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from);
    this.#ends = this.#redzones.map(({ to }) => to);
  }

  get hasGlobals(): boolean {
    return this.#redzones.length > 0;
  }

  /** Whether some of these bytes are in the redzone of a global variable. */
  touchesRedzone(from: number, to: number): boolean {
    const redzone = this.#redzones[lastAtMost(this.#ends, from) + 1];
    return redzone !== undefined && redzone.from < to;
  }

  /** The variables of a frame. @param description address of the text that describes it */
  frame(description: number): FrameVariables {
    let frame = this.#frames.get(description);
    if (frame === undefined) {
      frame = frameOf(this.#memory.text(description));
      this.#frames.set(description, frame);
    }
    return frame;
  }

  #redzone(address: number): Range {
    const word = (index: number): number => initialWord(this.module, address + index * WORD) ?? 0;
    const start = word(GLOBAL.Start);
    return { from: start + word(GLOBAL.Size), to: start + word(GLOBAL.WithRedzone) };
  }
}

/** Reads the description of a frame: a number of variables, and offset, size, length of the name and name of each. */
function frameOf(text: string): FrameVariables {
  const variables: Range[] = [];
  let at = 0;
  const number = (): number => {
    const end = text.indexOf(' ', at);
    const value = end < 0 ? Number.NaN : Number(text.slice(at, end));
    at = end + 1;
    return value;
  };
  for (let left = number(); left > 0; left -= 1) {
    const [from, size, length] = [number(), number(), number()];
    if (!(from >= 0 && size >= 0 && length > 0)) break;
    variables.push({ from, to: from + size });
    at += length + 1;
  }
  return { variables, end: Math.max(0, ...variables.map(({ to }) => to)) + LARGEST_REDZONE };
}

/** The lists of global variables that constructors register. */
function registrations(
  module: WasmModule,
  { sites, isDirect }: ScannedCalls,
  register: number,
): { readonly address: number; readonly count: number }[] {
  const found: { address: number; count: number }[] = [];
  for (let body = 0; body < module.bodies.length; body += 1) {
    for (let site = sites.first[body]!; site < sites.first[body + 1]!; site += 1) {
      if (!isDirect(site) || sites.target[site] !== register) continue;
      const [address, count] = constantsBefore(module, body, sites.position[site]!);
      if (address === undefined || count === undefined || count > MOST_GLOBALS) continue;
      found.push({ address, count });
    }
  }
  return found;
}

/** The constants on the stack of operands at this place of a constructor, which may pass through locals. */
function constantsBefore(module: WasmModule, body: number, position: number): number[] {
  const { bytes } = module;
  const { end } = module.bodies[body]!;
  const locals = new Map<number, number>();
  const stack: number[] = [];
  for (let at = module.heads.code[body]!; at < position; at = skipInstruction(bytes, at, end)) {
    switch (bytes[at]) {
      case Opcode.I32Const:
        stack.push(peekI32(bytes, at + 1) >>> 0);
        break;
      case Opcode.LocalGet:
        stack.push(locals.get(peekU32(bytes, at + 1)) ?? 0);
        break;
      case Opcode.LocalTee:
      case Opcode.LocalSet:
        locals.set(peekU32(bytes, at + 1), stack.at(-1) ?? 0);
        if (bytes[at] === Opcode.LocalSet) stack.pop();
    }
  }
  return stack.slice(-2);
}
