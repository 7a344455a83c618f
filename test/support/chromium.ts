// Chromium for tests: it opens a page of a local server, and the page posts what it found.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
];

/** A page that ran. */
export interface Visit<Findings> {
  readonly findings: Findings;
  /** Paths that the page asked for. */
  readonly requests: readonly string[];
  /** A file that the page has downloaded; waits for it. */
  download(name: string): Promise<Uint8Array>;
  dispose(): Promise<void>;
}

/**
 * Opens the page `index.html` of a folder, and returns what it posts: JSON, in which `error` says that it failed.
 */
export async function visit<Findings extends object>(folder: string): Promise<Visit<Findings>> {
  const profile = mkdtempSync(join(tmpdir(), 'heapline-chromium-'));
  const downloads = join(profile, 'downloads');
  mkdirSync(join(profile, 'Default'), { recursive: true });
  const preferences = { download: { default_directory: downloads, prompt_for_download: false } };
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const requests: string[] = [];
  let posted = (_body: string): void => {};
  const result = new Promise<string>((resolve) => {
    posted = resolve;
  });
  const server = serve(folder, requests, (body) => posted(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const page = `http://127.0.0.1:${port}/`;
  const browser = spawn('chromium', [...ARGUMENTS, `--user-data-dir=${profile}`, page], { stdio: 'ignore' });
  const ended = new Promise<never>((_, reject) => {
    browser.on('error', reject);
    browser.on('exit', (code) =>
      reject(new Error(`Chromium ended with ${code} before the page had posted.`)),
    );
  });
  ended.catch(() => {});
  const close = async (): Promise<void> => {
    const exit = new Promise((resolve) => browser.once('exit', resolve));
    if (browser.exitCode === null && browser.kill()) await exit;
    server.close();
  };
  try {
    const found = JSON.parse(await Promise.race([result, ended])) as Findings | { readonly error: string };
    if ('error' in found) throw new Error(`In Chromium: ${found.error}`);
    const download = async (name: string): Promise<Uint8Array> =>
      readFileSync(await appeared(join(downloads, name)));
    return {
      findings: found as Findings,
      requests,
      download,
      dispose: async () => {
        await close();
        await removeProfile(profile);
      },
    };
  } catch (error) {
    await close();
    await removeProfile(profile);
    throw error;
  }
}

/** Removes a profile. Processes of the browser write into it for a moment after the browser has ended. */
async function removeProfile(profile: string): Promise<void> {
  for (let turn = 0; ; turn++) {
    try {
      rmSync(profile, { recursive: true, force: true });
      return;
    } catch (error) {
      if (turn === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Chromium writes a download under another name until it is complete. */
async function appeared(file: string): Promise<string> {
  for (let turn = 0; turn < 200 && !existsSync(file); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return file;
}

function serve(folder: string, requests: string[], posted: (body: string) => void): Server {
  return createServer((request, response) => {
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        posted(Buffer.concat(parts).toString());
      });
      return;
    }
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    requests.push(path);
    const file = join(folder, path === '/' ? 'index.html' : path);
    if (!existsSync(file) || !statSync(file).isFile()) response.writeHead(404).end();
    else
      response
        .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' })
        .end(readFileSync(file));
  });
}
