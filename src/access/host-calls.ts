// Memory that the host reads and writes for the program: buffers of files and streams, targets of links, and random
// bytes. Calls of these imports lead to functions of our own, which judge the buffers by range. What the host reads is
// judged before the call; what it has written is judged after it, because a buffer may be smaller than the room that the
// program states when the host has less to give.

import { ByteWriter, ExternalKind, InstructionWriter, Opcode } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import type { CheckFunctions } from './check-code.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const EMPTY = 0x40;
const I32_GE_U = 0x4f;
const SELECT = Opcode.Select;
/** Bytes of an entry in a list of buffers: address and length. */
const VECTOR = 8;
const VECTOR_SHIFT = 3;

/** What an import does with memory. Lists of buffers are the second parameter, and their number is the third. */
type Touches =
  /** Reads the buffers of a list. */
  | 'reads-list'
  /** Writes to the buffers of a list; its last parameter says where it tells how many bytes. */
  | 'writes-list'
  /** Writes to the first parameter as many bytes as the second says. */
  | 'writes'
  /** Writes to a parameter as many bytes as it tells where the last parameter says. */
  | { readonly buffer: number; readonly length: 'told' }
  /** Writes to a parameter as many bytes as the result says, unless that is negative. */
  | { readonly buffer: number; readonly length: 'result' };

type Imported = readonly [parameters: readonly number[], touches: Touches];

/** The imports by their modules and names: those of WASI, and those of Emscripten's JavaScript. */
const IMPORTS: Readonly<Record<string, Readonly<Record<string, Imported>>>> = {
  wasi_snapshot_preview1: {
    fd_read: [[I32, I32, I32, I32], 'writes-list'],
    fd_pread: [[I32, I32, I32, I64, I32], 'writes-list'],
    fd_write: [[I32, I32, I32, I32], 'reads-list'],
    fd_pwrite: [[I32, I32, I32, I64, I32], 'reads-list'],
    random_get: [[I32, I32], 'writes'],
    path_readlink: [[I32, I32, I32, I32, I32, I32], { buffer: 3, length: 'told' }],
  },
  env: {
    __syscall_readlink: [[I32, I32, I32], { buffer: 1, length: 'result' }],
    __syscall_readlinkat: [[I32, I32, I32, I32], { buffer: 2, length: 'result' }],
  },
};

/** What an import does with memory; undefined for those that are not known here. */
function importOf(module: string, name: string): Imported | undefined {
  const functions = Object.hasOwn(IMPORTS, module) ? IMPORTS[module]! : {};
  return Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** Adds the functions to call instead; returns their indices by those of the imports. */
export function addHostFunctions(rewriter: Rewriter, functions: CheckFunctions): Map<number, number> {
  const { module } = rewriter;
  const replaced = new Map<number, number>();
  for (const { kind, module: from, name, index } of module.imports) {
    const known = kind === ExternalKind.Function ? importOf(from, name) : undefined;
    if (known === undefined) continue;
    const [wanted, touches] = known;
    const { parameters, results } = module.functionType(index);
    const types = parameters.map(({ code }) => code);
    if (`${types}` !== `${wanted}` || results.length !== 1 || results[0]!.code !== I32) continue;
    const type = rewriter.addType([...types, I32], [I32]);
    replaced.set(
      index,
      rewriter.addFunction(type, new HostFunction(functions, types.length).body(index, touches)),
    );
  }
  return replaced;
}

/** Writes one such function. Its last parameter is the site. */
class HostFunction {
  readonly #code = new InstructionWriter();
  readonly #site: number;
  readonly #result: number;
  readonly #at: number;
  readonly #end: number;
  readonly #left: number;
  readonly #length: number;

  constructor(
    readonly functions: CheckFunctions,
    readonly parameters: number,
  ) {
    this.#site = parameters;
    [this.#result, this.#at, this.#end, this.#left, this.#length] = [1, 2, 3, 4, 5].map(
      (local) => parameters + local,
    ) as [number, number, number, number, number];
  }

  body(original: number, touches: Touches): Uint8Array {
    const code = this.#code;
    if (touches === 'reads-list') {
      // No limit: all of the buffers are read.
      code.i32(-1);
      this.#set(this.#left);
      this.#judgeList(false);
    } else if (touches === 'writes') {
      this.#get(0);
      this.#get(1);
      this.#judge(true);
    }
    for (let parameter = 0; parameter < this.parameters; parameter += 1) this.#get(parameter);
    code.indexed(Opcode.Call, original);
    this.#set(this.#result);
    if (touches === 'writes-list') {
      this.#afterSuccess(() => {
        this.#told();
        this.#set(this.#left);
        this.#judgeList(true);
      });
    } else if (typeof touches === 'object') this.#judgeBuffer(touches);
    this.#get(this.#result);
    code.byte(Opcode.End);
    const body = new ByteWriter();
    // One group of locals.
    for (const byte of [1, 5, I32]) body.byte(byte);
    body.copy(code.take());
    return body.take();
  }

  /** Does something when the call has returned 0. */
  #afterSuccess(work: () => void): void {
    this.#get(this.#result);
    this.#code.byte(Opcode.I32Eqz);
    this.#code.byte(Opcode.If);
    this.#code.byte(EMPTY);
    work();
    this.#code.byte(Opcode.End);
  }

  /** Pushes the number of bytes that the host has told. */
  #told(): void {
    this.#get(this.parameters - 1);
    this.#code.memory(Opcode.I32Load, 0, 0);
  }

  /** Judges one buffer, as many bytes as the host has written to it. */
  #judgeBuffer({ buffer, length }: { readonly buffer: number; readonly length: 'told' | 'result' }): void {
    if (length === 'told') {
      this.#afterSuccess(() => {
        this.#get(buffer);
        this.#told();
        this.#judge(true);
      });
      return;
    }
    const code = this.#code;
    this.#get(this.#result);
    code.i32(0);
    code.byte(Opcode.I32GtS);
    code.byte(Opcode.If);
    code.byte(EMPTY);
    this.#get(buffer);
    this.#get(this.#result);
    this.#judge(true);
    code.byte(Opcode.End);
  }

  /** Judges the buffers of the list, as many bytes as are left. */
  #judgeList(writes: boolean): void {
    const code = this.#code;
    this.#get(1);
    this.#set(this.#at);
    this.#get(1);
    this.#get(2);
    code.i32(VECTOR_SHIFT);
    code.byte(Opcode.I32Shl);
    code.byte(Opcode.I32Add);
    this.#set(this.#end);
    code.byte(Opcode.Block);
    code.byte(EMPTY);
    code.byte(Opcode.Loop);
    code.byte(EMPTY);
    this.#get(this.#at);
    this.#get(this.#end);
    code.byte(I32_GE_U);
    code.indexed(Opcode.BrIf, 1);
    this.#get(this.#left);
    code.byte(Opcode.I32Eqz);
    code.indexed(Opcode.BrIf, 1);
    // The smaller one of the buffer's length and what is left.
    this.#get(this.#at);
    code.memory(Opcode.I32Load, 0, 4);
    code.indexed(Opcode.LocalTee, this.#length);
    this.#get(this.#left);
    this.#get(this.#length);
    this.#get(this.#left);
    code.byte(Opcode.I32LtU);
    code.byte(SELECT);
    this.#set(this.#length);
    this.#get(this.#at);
    code.memory(Opcode.I32Load, 0, 0);
    this.#get(this.#length);
    this.#judge(writes);
    this.#get(this.#left);
    this.#get(this.#length);
    code.byte(Opcode.I32Sub);
    this.#set(this.#left);
    this.#get(this.#at);
    code.i32(VECTOR);
    code.byte(Opcode.I32Add);
    this.#set(this.#at);
    code.indexed(Opcode.Br, 0);
    code.byte(Opcode.End);
    code.byte(Opcode.End);
  }

  /** Judges the range whose address and length are on the stack. */
  #judge(writes: boolean): void {
    this.#code.i32(writes ? 1 : 0);
    this.#get(this.#site);
    this.#code.indexed(Opcode.Call, this.functions.range);
  }

  #get(local: number): void {
    this.#code.indexed(Opcode.LocalGet, local);
  }

  #set(local: number): void {
    this.#code.indexed(Opcode.LocalSet, local);
  }
}
