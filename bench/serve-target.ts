// The service that bench/serve.ts puts under load: the C code of examples/api-server keeps notes, over node:http. The
// first argument selects the variant: `tracked` (Heapline: instrumented, host frames on), `sampled` (host frames of
// one entry in 64), `budget` (host frames for 2 % of the time), `no-host-frames`, `plain` (the same C linked with the toolchain's own malloc, instantiated by
// hand; the second argument is its path), `one-frame` (plain, and V8 captures one frame). In `glue` and `attached`,
// Emscripten's JavaScript runs the C: as it is, and with attach() and host frames for 2 % of the time. The second argument
// is the path of that JavaScript.

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { attach, type HostFrames, loadC } from '../src/index.ts';

interface Store {
  save(title: string, text: string): number;
  lookUp(title: string): string | null;
}

type Functions = { save_note(title: number, text: number): number; read_note(title: number): number };

async function tracked(hostFrames: HostFrames): Promise<Store> {
  const source = fileURLToPath(new URL('../examples/api-server/store.c', import.meta.url));
  const { heap, exports } = await loadC<Functions>(source, {
    toolchain: 'clang',
    flags: ['-O2'],
    define: { FIXED: true },
    hostFrames,
  });
  return storeOf(
    exports,
    (text) => heap.cstring(text),
    (pointer) => heap.free(pointer),
    (pointer) => heap.readCString(pointer),
  );
}

/** What Emscripten's JavaScript offers. */
interface Glue {
  _save_note(title: number, text: number): number;
  _read_note(title: number): number;
  _malloc(size: number): number;
  _free(pointer: number): void;
  HEAPU8: Uint8Array;
}

async function withGlue(path: string, attached: boolean): Promise<Store> {
  const create = createRequire(import.meta.url)(path) as () => PromiseLike<Glue>;
  const module = attached
    ? (await attach(create, {}, { hostFrames: { budget: 0.02 } })).module
    : await create();
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return storeOf(
    { save_note: module._save_note, read_note: module._read_note },
    (text) => {
      const encoded = encoder.encode(text);
      const pointer = module._malloc(encoded.length + 1) >>> 0;
      module.HEAPU8.set(encoded, pointer);
      module.HEAPU8[pointer + encoded.length] = 0;
      return pointer;
    },
    (pointer) => module._free(pointer),
    (pointer) => decoder.decode(module.HEAPU8.subarray(pointer, module.HEAPU8.indexOf(0, pointer))),
  );
}

/** Captures one frame of the stack, which is cheaper than any exact host stack. */
function captureOneFrame(): void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace({});
  Error.stackTraceLimit = limit;
}

/** `capture`: called once for each entry below which C allocates. */
async function plain(path: string, capture: () => void): Promise<Store> {
  const unavailable = new Proxy({}, { get: () => () => 52 });
  const { instance } = await WebAssembly.instantiate(readFileSync(path), {
    wasi_snapshot_preview1: unavailable,
  });
  const exports = instance.exports as unknown as Functions & {
    memory: WebAssembly.Memory;
    malloc(size: number): number;
    free(pointer: number): void;
  };
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let bytes = new Uint8Array(exports.memory.buffer);
  const view = (): Uint8Array => {
    if (bytes.length === 0) bytes = new Uint8Array(exports.memory.buffer);
    return bytes;
  };
  return storeOf(
    {
      ...exports,
      save_note(title, text) {
        capture();
        return exports.save_note(title, text);
      },
    },
    (text) => {
      capture();
      const encoded = encoder.encode(text);
      const pointer = exports.malloc(encoded.length + 1) >>> 0;
      const memory = view();
      memory.set(encoded, pointer);
      memory[pointer + encoded.length] = 0;
      return pointer;
    },
    (pointer) => exports.free(pointer),
    (pointer) => {
      const memory = view();
      return decoder.decode(memory.subarray(pointer, memory.indexOf(0, pointer)));
    },
  );
}

function storeOf(
  { save_note, read_note }: Functions,
  cstring: (text: string) => number,
  free: (pointer: number) => void,
  readCString: (pointer: number) => string,
): Store {
  return {
    save(title, text) {
      const cTitle = cstring(title);
      const cText = cstring(text);
      const size = save_note(cTitle, cText);
      free(cText);
      free(cTitle);
      return size;
    },
    lookUp(title) {
      const cTitle = cstring(title);
      const text = read_note(cTitle);
      free(cTitle);
      return text === 0 ? null : readCString(text);
    },
  };
}

const [kind, path] = process.argv.slice(2);
const modes: Readonly<Record<string, HostFrames>> = {
  tracked: 'allocating',
  sampled: { every: 64 },
  budget: { budget: 0.02 },
  'no-host-frames': 'off',
};
const mode = modes[kind!];

function openStore(): Promise<Store> {
  if (kind === 'glue' || kind === 'attached') return withGlue(path!, kind === 'attached');
  return mode === undefined ? plain(path!, kind === 'one-frame' ? captureOneFrame : () => {}) : tracked(mode);
}

const store = await openStore();

// The same request handling as in examples/api-server/server.ts.
async function notes(request: IncomingMessage, response: ServerResponse, title: string): Promise<void> {
  if (request.method === 'PUT') {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    response.end(`${store.save(title, Buffer.concat(chunks).toString().replaceAll('\0', ''))} bytes\n`);
    return;
  }
  const text = store.lookUp(title);
  response.statusCode = text === null ? 404 : 200;
  response.end(`${text ?? 'no such note'}\n`);
}

const server = createServer((request, response) => {
  if (request.url === '/cpu') {
    const { user, system } = process.cpuUsage();
    response.end(String(user + system));
    return;
  }
  const title = /^\/notes\/([\w.-]+)$/.exec(request.url ?? '')?.[1];
  void notes(request, response, title ?? '');
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
