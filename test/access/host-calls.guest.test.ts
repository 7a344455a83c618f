// Buffers that the host reads and writes for the program: those that are too small are faults at the call, and others are
// not, whatever room the program states.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-host-calls-'));
const source = join(folder, 'host.c');
writeFileSync(
  source,
  `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int bad = argc > 1 ? *argv[1] : 0;
  char *p = calloc(50, 1), *q = calloc(20, 1);
  if (bad == 'r') read(0, q, 21);
  read(0, p, 1000);
  struct iovec both[2] = {{p, 30}, {q, 20}};
  if (bad == 'l') both[1].iov_len = 24;
  writev(1, both, 2);
  if (bad == 'w') write(1, p, 51);
  char *target = malloc(6);
  symlink("target7", "/here/link");
  if (bad == 'k') readlink("/here/link", target, 100);
  readlink("/here/link", target, 6);
  free(target);
  free(q);
  if (bad == 'w') write(1, q, 1);
  free(p);
  return 0;
}
`,
);
const preopens = { '/here': folder };
afterAll(() => rmSync(folder, { recursive: true }));

it.each(['clang', 'emscripten'] as const)(
  '%s',
  async (toolchain) => {
    const run = async (...args: string[]) => {
      const options = {
        toolchain,
        flags: ['-O1', '-w'],
        checks: true,
        hostFrames: 'off',
        args,
        preopens,
      } as const;
      using lib = await loadC(source, { ...options, stdin: 'x'.repeat(bytesOfInput) });
      const { stdout } = lib.run();
      return {
        length: stdout.length,
        faults: lib.heap.faults().map(({ kind, access, frames }) => {
          const line = frames.find(({ file }) => file === source)?.line;
          return [kind, access!.kind, access!.size, access!.position, line];
        }),
      };
    };
    expect(await run()).toEqual({ length: 50, faults: [] });
    expect((await run('list')).faults).toEqual([
      ['heap-buffer-overflow', 'read', 24, '0 bytes past the end of a block of 20 bytes', 13],
    ]);
    expect((await run('write')).faults).toEqual([
      ['heap-buffer-overflow', 'read', 51, '0 bytes past the end of a block of 50 bytes', 14],
      ['heap-use-after-free', 'read', 1, '0 bytes into a freed block of 20 bytes', 21],
    ]);
    // Emscripten's file system makes targets absolute.
    const target = toolchain === 'emscripten' ? '/here/target7' : 'target7';
    expect((await run('k')).faults).toEqual([
      ['heap-buffer-overflow', 'write', target.length, '0 bytes past the end of a block of 6 bytes', 17],
    ]);
    expect((await run('read')).faults).toEqual([
      ['heap-buffer-overflow', 'write', 21, '0 bytes past the end of a block of 20 bytes', 9],
    ]);
  },
  60_000,
);

/** The first read gets them all, although it states more room. */
const bytesOfInput = 50;
