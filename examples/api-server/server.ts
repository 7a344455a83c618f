// server.ts -- a small HTTP API in TypeScript over a C module, with profiles at /debug/pprof/.
//
//   PUT /notes/<title>   saves the body under this title
//   GET /notes/<title>   reads it
//
// Two leaks are planted, one on each side of the language boundary:
//   - in this file, the C string of a title that is looked up is never freed (in `lookUp`);
//   - in store.c, the old text of a note that is saved again is lost.
// FIXED=1 runs the version without them. README.md in this folder walks through finding both.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadC } from 'heapline';
import { pprofHandler } from 'heapline/pprof';

type Store = {
  save_note(title: number, text: number): number;
  read_note(title: number): number;
};

const fixed = process.env.FIXED === '1';

const store = await loadC<Store>(fileURLToPath(new URL('store.c', import.meta.url)), {
  define: fixed ? { FIXED: true } : {},
  flags: ['-O1'],
});

function save(title: string, text: string): number {
  const cTitle = store.heap.cstring(title);
  const cText = store.heap.cstring(text);
  const size = store.exports.save_note(cTitle, cText);
  store.heap.free(cText);
  store.heap.free(cTitle);
  return size;
}

function lookUp(title: string): string | null {
  const cTitle = store.heap.cstring(title); // leaks unless it is freed below
  const text = store.exports.read_note(cTitle);
  if (fixed) store.heap.free(cTitle);
  return text === 0 ? null : store.heap.readCString(text);
}

async function notes(request: IncomingMessage, response: ServerResponse, title: string): Promise<void> {
  if (request.method === 'PUT') {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    response.end(`${save(title, Buffer.concat(chunks).toString().replaceAll('\0', ''))} bytes\n`);
    return;
  }
  const text = lookUp(title);
  response.statusCode = text === null ? 404 : 200;
  response.end(`${text ?? 'no such note'}\n`);
}

const profiles = pprofHandler({ host: true });

const server = createServer((request, response) => {
  const title = /^\/notes\/([\w.-]+)$/.exec(request.url ?? '')?.[1];
  if (title === undefined) profiles(request, response);
  else void notes(request, response, title);
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1');
await once(server, 'listening');
console.log(`listening on http://localhost:${(server.address() as AddressInfo).port}`);
