// Serves the profiles through node:http, and therefore through express, fastify and koa, which use its requests.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { LONGEST_TIMER } from '../options/longest-timer.ts';
import { type PprofOptions, type ServeSettings, settingsOf } from './options.ts';
import { failure, notFound, type PprofAnswer, type PprofRequest, PprofService } from './service.ts';

/**
 * A listener for node:http. As middleware (with `next`) it passes on requests outside its prefix; alone it answers
 * them with 404. `close()` stops the sampling of V8's heap.
 */
export interface PprofHandler extends Disposable {
  /** Answers one request, or passes it on to `next`. */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /** Stops the sampling of V8's heap. */
  close(): void;
}

/**
 * Seconds after which a client that does not read its answer is disconnected, unless `writeTimeout` says otherwise.
 */
const PATIENCE = 60;

/** Makes a handler for node:http that serves the heaps of this process as Go's net/http/pprof does. */
export function pprofHandler(options: PprofOptions = {}): PprofHandler {
  return handlerOf(settingsOf(options, 'pprofHandler'));
}

/** The handler for settings that were checked. */
export function handlerOf(settings: ServeSettings): PprofHandler {
  const service = new PprofService(settings);
  const handler = (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): void => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const asked = requestOf(request, gone.signal);
    service.answer(asked).then(
      (answer) => {
        if (answer !== null) write(response, answer, settings.writeTimeout ?? PATIENCE);
        else if (next !== undefined) next();
        else write(response, notFound(asked.rawPath), settings.writeTimeout ?? PATIENCE);
      },
      (error) => write(response, failure(500, (error as Error).message), PATIENCE),
    );
  };
  const close = (): void => service.close();
  return Object.assign(handler, { close, [Symbol.dispose]: close });
}

function requestOf(request: IncomingMessage, signal: AbortSignal): PprofRequest {
  // Routers remove the part of the path that they matched; express keeps the whole path here.
  const { originalUrl } = request as IncomingMessage & { originalUrl?: string };
  const target = (originalUrl ?? request.url ?? '/').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  const question = target.indexOf('?');
  const { server } = request.socket as typeof request.socket & { server?: { timeout?: number } };
  const timeout = server?.timeout ?? 0;
  return {
    method: request.method ?? 'GET',
    rawPath: question < 0 ? target : target.slice(0, question),
    rawQuery: question < 0 ? '' : target.slice(question + 1),
    contentType: request.headers['content-type'] ?? '',
    host: request.headers.host ?? '',
    writeTimeout: timeout > 0 ? timeout / 1000 : null,
    signal,
    readBody: (limit) => readBody(request, limit),
  };
}

function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array | null> {
  // Other code has read the body already; an express body parser does that.
  if (request.readableEnded) return Promise.resolve(new Uint8Array());
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let length = 0;
    // The part beyond the limit is read and dropped, so that the client can read the answer.
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else {
        chunks = [];
        resolve(null);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => resolve(new Uint8Array()));
  });
}

function write(response: ServerResponse, answer: PprofAnswer, patience: number): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': answer.body.length });
  response.end(answer.body);
  const timer = setTimeout(
    () => {
      if (!response.writableFinished) response.destroy();
    },
    Math.min(patience * 1000, LONGEST_TIMER),
  );
  timer.unref();
  response.once('close', () => clearTimeout(timer));
}
