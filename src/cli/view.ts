// heapline view: a page to look at a profile file, opened from a server that only this machine reaches, or written.

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { openInBrowser } from './open-in-browser.ts';
import { writeOutput } from './output-files.ts';
import { openProfile, PROFILE_FILE } from './show.ts';
import { type Terminal, WRITING_PAGE } from './terminal.ts';

interface ViewArguments {
  base?: string;
  output?: string;
  source: boolean;
  open: boolean;
}

export function addViewCommand(program: Command, terminal: Terminal): void {
  program
    .command('view')
    .description('look at a profile: flame graph, table, sources, comparison')
    .argument('<file>', PROFILE_FILE)
    .option('--base <file>', 'show what changed since this earlier profile')
    .option('-o, --output <file>', 'write the page instead of opening it; - for standard output')
    .option('--no-source', 'leave the texts of the source files out of the page')
    .option('--no-open', 'print the address and open no browser')
    .addHelpText(
      'after',
      `
The page is one file. It loads nothing from elsewhere and can be sent to others. CPU profiles and the profiles of other
programs can be looked at, too, and further files can be dropped onto the page. Without -o, the page is served to this
machine alone until Ctrl-C.

Examples:
  heapline view heap.pb.gz
  heapline view --base before.pb.gz after.pb.gz
  heapline view -o heap.html heap.pb.gz
  go tool pprof -proto http://localhost:6060/debug/pprof/profile > cpu.pb.gz; heapline view cpu.pb.gz`,
    )
    .action((file: string, given: ViewArguments) => view(file, given, terminal));
}

async function view(file: string, given: ViewArguments, terminal: Terminal): Promise<void> {
  const profile = await openProfile(file, terminal, 'any');
  const base = given.base === undefined ? undefined : await openProfile(given.base, terminal, 'any');
  const { profilePage } = await import('../page/index.ts');
  const options = {
    title: file === '-' ? 'standard input' : basename(file),
    sources: given.source,
    ...(base === undefined ? {} : { base }),
  };
  const page = terminal.during(WRITING_PAGE, () => profilePage(profile, options));
  if (given.output === '-') terminal.data(page);
  else if (given.output !== undefined) writeOutput(given.output, page);
  else await serveUntilInterrupted(page, given, terminal);
}

/** The names by which a browser on this machine calls the server. */
const HOST = /^(?:127\.0\.0\.1|localhost|\[::1\]):\d+$/;

async function serveUntilInterrupted(page: string, given: ViewArguments, terminal: Terminal): Promise<void> {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    // A page of somebody else could have its name point to this machine.
    if (!HOST.test(request.headers.host ?? '')) response.writeHead(403).end();
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (request.url !== '/') response.writeHead(404).end();
    else {
      response
        .writeHead(200, {
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
        })
        .end(page);
    }
  });
  await listen(server);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  terminal.say(`${url} until Ctrl-C`);
  if (given.open) openInBrowser(url, terminal);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  server.closeAllConnections();
  server.close();
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
