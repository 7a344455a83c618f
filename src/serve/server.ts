// A server for programs that have none. It listens on the loopback interface by default and warns when it is told to
// listen elsewhere. It answers only to names of this machine: a web page whose name resolves to 127.0.0.1 (DNS
// rebinding) must not be able to read the profiles of its visitors.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { InvalidArgumentError } from '../errors.ts';
import { readOptions } from '../options/option-table.ts';
import { handlerOf } from './node-handler.ts';
import { SERVE_PPROF_OPTIONS, type ServePprofOptions, settingsFrom } from './options.ts';

/** A running profile server. */
export interface PprofServer extends AsyncDisposable {
  /** Node's own server, for its events and settings. */
  readonly server: Server;
  /** The port it listens on. */
  readonly port: number;
  /** URL of the index page. */
  readonly url: string;
  /** Closes the server, and stops the sampling of V8. */
  close(): Promise<void>;
}

/** Serves the heaps of this process on a port of their own. */
export async function servePprof(options: ServePprofOptions = {}): Promise<PprofServer> {
  const { port, hostname, allowedHosts, onWarning, ...rest } = readOptions(
    'servePprof',
    options,
    SERVE_PPROF_OPTIONS,
  );
  const settings = settingsFrom(rest);
  const { prefix } = settings;
  // A server that was told to listen on a name also answers to it.
  const names = new Set([hostname, ...allowedHosts].map((host) => host.toLowerCase()));
  const handler = handlerOf(settings);
  const server = createServer((request, response) => {
    if (!isAllowed(request, names)) {
      response.writeHead(403, {
        'Content-Type': 'text/plain; charset=utf-8',
        'X-Content-Type-Options': 'nosniff',
        'X-Go-Pprof': '1',
      });
      response.end('this server does not answer to that host name; add it to allowedHosts\n');
      return;
    }
    const path = (request.url ?? '/').split('?')[0];
    if (path === '/' && prefix !== '') {
      response.writeHead(307, { Location: `${prefix}/`, 'X-Content-Type-Options': 'nosniff' });
      response.end();
      return;
    }
    handler(request, response);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, hostname, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    handler.close();
    throw new InvalidArgumentError(
      'port',
      `Cannot listen on ${hostname}:${port}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  const address = server.address() as AddressInfo;
  if (!isLoopback(address.address)) {
    const message = `Profiles are served on ${address.address}:${address.port}, which other machines can reach: they show source paths, function names and the command line to anyone who asks.`;
    if (onWarning !== undefined) onWarning(message);
    else process.emitWarning(message, { code: 'HEAPLINE_EXPOSED' });
  }
  // `localhost` certainly leads to this address and to no other.
  const shown = /^(::ffff:)?127\.0\.0\.1$/.test(address.address) ? 'localhost' : hostname;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      handler.close();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    server,
    port: address.port,
    url: `http://${isIP(shown) === 6 ? `[${shown}]` : shown}:${address.port}${prefix}/`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function isAllowed(request: IncomingMessage, allowed: ReadonlySet<string>): boolean {
  // A page that uses rebinding cannot choose this header: the browser puts the page's own name there.
  const name = (request.headers.host ?? '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return (
    name === '' ||
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    isIP(name) !== 0 ||
    allowed.has(name)
  );
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
