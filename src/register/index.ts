/**
 * The entry `heapline/register`, for `node --import heapline/register app.mjs`: tracks the modules of the whole process
 * without a change of the program.
 *
 * @module register
 */

import '../loading/install-store.ts';
import '../node/install.ts';
import '../profile/install-presentation.ts';
import '../serve/join.ts';
import { writeFileSync } from 'node:fs';
import { isMainThread, threadId } from 'node:worker_threads';
import { trackModules } from '../attach/index.ts';
import { toPath } from '../node/source-maps.ts';
import { HeapProfile } from '../profile/index.ts';
import { formatText } from '../report/index.ts';
import { openSandboxes } from '../sandbox/index.ts';
import { type AtExit, readSettings } from './settings.ts';

const { tracks, port, atExit, checks } = readSettings(process.env);

let tracked = 0;
const passedOver: Error[] = [];
await trackModules((script, name) => tracks(script === null ? [name] : [name, script, toPath(script)]), {
  options: { checks },
  opened() {
    tracked += 1;
  },
  passedOver(error) {
    passedOver.push(error);
  },
});

// A worker inherits the flag --import, and the server of the main thread asks it for its heaps.
if (port !== null && isMainThread) await serve(port);
if (atExit.check || atExit.pprof !== null) process.on('exit', () => finish(atExit));

async function serve(at: number): Promise<void> {
  const { servePprof } = await import('../serve/index.ts');
  try {
    const { server, url } = await servePprof({ port: at });
    server.unref(); // The program ends when it has nothing more to do.
    console.error(`heapline: serving pprof at ${url}`);
  } catch (error) {
    console.error(`heapline: cannot serve pprof on port ${at}: ${(error as Error).message}`);
  }
}

function finish({ check, pprof }: AtExit): void {
  const open = openSandboxes();
  // Somebody who asked for a report should not take silence for a clean one.
  if (tracked === 0 && passedOver.length > 0) {
    process.stderr.write(`heapline: no module was tracked: ${passedOver[0]!.message}\n`);
  }
  if (check) {
    for (const { heap, instance } of open) {
      const report = heap.leaks();
      if (report.isClean()) continue;
      process.stderr.write(`heapline: ${instance}\n${formatText(report, { root: process.cwd() })}\n`);
      // A program that fails by itself keeps its own status.
      if (!process.exitCode) process.exitCode = 1;
    }
  }
  if (pprof === null || open.length === 0) return;
  const file = isMainThread ? pprof : pprof.replace(/((\.pb)?\.gz)?$/, `.${threadId}$1`);
  try {
    const profiles = open.map(({ heap, instance }) => heap.profile({ labels: { instance } }));
    writeFileSync(file, HeapProfile.merge(profiles).encode());
  } catch (error) {
    process.stderr.write(`heapline: cannot write the profile to ${file}: ${(error as Error).message}\n`);
  }
}
