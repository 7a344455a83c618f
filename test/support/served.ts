// A server with Heapline's handler in this process, and the functions that send requests to it.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LoadCOptions, loadC, type Sandbox } from '../../src/index.ts';
import { type PprofHandler, type PprofOptions, pprofHandler } from '../../src/serve/index.ts';

export const programPath = (name: string): string =>
  fileURLToPath(new URL(`../serve/programs/${name}`, import.meta.url));

/** The functions of programs/service.c. */
export type Service = {
  keep(size: number): void;
  churn(times: number): number;
  clear(): void;
  contexts(depth: number): void;
  spin(times: number): number;
  lose(size: number): void;
};

export function loadService(options: LoadCOptions = {}): Promise<Sandbox<Service>> {
  return loadC<Service>(programPath('service.c'), { toolchain: 'clang', flags: ['-O1'], ...options });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** Sends a request whose target is not changed: paths are not normalised, redirects are not followed. */
export function ask(
  port: number,
  target: string,
  { method = 'GET', headers = {}, body }: Asking = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: target, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          text: whole.toString(),
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export interface Served extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  readonly handler: PprofHandler;
  ask(target: string, asking?: Asking): Promise<Answer>;
}

/** Serves on a free port. */
export async function serve(options: PprofOptions = {}): Promise<Served> {
  const handler = pprofHandler(options);
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    server,
    handler,
    ask: (target, asking) => ask(port, target, asking),
    async [Symbol.asyncDispose]() {
      handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Builds the Go server of go-server/ and starts it. */
export async function startGoServer(
  directory: string,
): Promise<{ port: number; timedPort: number; process: ChildProcess }> {
  const binary = join(directory, 'pprofserver');
  execFileSync('go', ['build', '-o', binary, '.'], {
    cwd: fileURLToPath(new URL('../serve/go-server', import.meta.url)),
    env: { ...process.env, GOFLAGS: '-mod=mod', GOCACHE: join(directory, 'cache'), CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const child = spawn(binary, { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the Go server ended with ${code}`)));
    child.stdout!.once('data', (data: Buffer) => resolve(data.toString()));
  });
  const [port, timedPort] = line.trim().split(' ').map(Number);
  return { port: port!, timedPort: timedPort!, process: child };
}

/**
 * Runs a command without blocking this process, because the command talks to the server in this process. Throws with
 * the command's output when it fails.
 */
export function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd: string = process.cwd(),
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data;
    });
    child.stderr.on('data', (data: Buffer) => {
      errors += data;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${errors}\n${output}`));
    });
  });
}

/** The service with something of everything that its index page lists, and a server for it. */
export async function pageService(): Promise<{ lib: Sandbox<Service>; served: Served }> {
  const lib = await loadService();
  lib.exports.keep(300_000);
  lib.exports.contexts(6);
  lib.exports.churn(1000);
  return { lib, served: await serve({ sandboxes: [lib], host: true }) };
}
