// Serves the profiles through the web's Request and Response: for Hono, Bun, Deno and service workers.

import { type PprofOptions, settingsOf } from './options.ts';
import { notFound, PprofService } from './service.ts';

/** A handler for fetch-style servers. `close()` stops the sampling of V8's heap. */
export interface PprofFetch extends Disposable {
  /** Answers one request. */
  (request: Request): Promise<Response>;
  /** Stops the sampling of V8's heap. */
  close(): void;
}

/** Makes a handler for fetch-style servers that serves the heaps of this process as Go's net/http/pprof does. */
export function pprofFetch(options: PprofOptions = {}): PprofFetch {
  const service = new PprofService(settingsOf(options, 'pprofFetch'));
  const handler = async (request: Request): Promise<Response> => {
    const { host, pathname, search } = new URL(request.url);
    const answer =
      (await service.answer({
        method: request.method,
        rawPath: pathname,
        rawQuery: search.slice(1),
        contentType: request.headers.get('content-type') ?? '',
        host,
        writeTimeout: null,
        signal: request.signal,
        readBody: (limit) => readBody(request, limit),
      })) ?? notFound(pathname);
    const { status, headers, body } = answer;
    return new Response(request.method === 'HEAD' ? null : (body as Uint8Array<ArrayBuffer>), {
      status,
      headers: { ...headers, 'Content-Length': String(body.length) },
    });
  };
  const close = (): void => service.close();
  return Object.assign(handler, { close, [Symbol.dispose]: close });
}

async function readBody(request: Request, limit: number): Promise<Uint8Array | null> {
  // Other code has read the body already; middleware that parses forms does that.
  if (request.bodyUsed) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
}
