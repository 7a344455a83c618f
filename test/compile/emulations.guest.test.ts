// The emulations of wasi-libc work without flags, and behave as they do with wasi-libc's own flags.

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { compile } from '../../src/compile/index.ts';
import { loadC } from '../../src/index.ts';
import { runMain } from '../support/run-module.ts';
import { sourceTree } from '../support/source-tree.ts';

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
const tree = sourceTree({});
afterAll(() => {
  rmSync(cacheDir, { recursive: true, force: true });
  tree[Symbol.dispose]();
});

const PROGRAMS: Readonly<Record<string, { source: string; stdout: string }>> = {
  'getpid()': {
    source:
      '#include <unistd.h>\n#include <stdio.h>\nint main(void) { printf("%d\\n", getpid() > 0); return 0; }\n',
    stdout: '1\n',
  },
  'clock() and times()': {
    source: `#include <stdio.h>
#include <sys/times.h>
#include <time.h>
int main(void) { struct tms t; clock_t c = clock(); printf("%d %d\\n", c != (clock_t)-1, times(&t) != (clock_t)-1); return 0; }
`,
    stdout: '1 1\n',
  },
  'getrusage()': {
    source: `#include <stdio.h>
#include <sys/resource.h>
int main(void) { struct rusage u; printf("%d\\n", getrusage(RUSAGE_SELF, &u)); return 0; }
`,
    stdout: '0\n',
  },
  'signal() and raise()': {
    source: `#include <signal.h>
#include <stdio.h>
static volatile sig_atomic_t seen;
static void handler(int number) { seen = number; }
int main(void) { signal(SIGTERM, handler); raise(SIGTERM); printf("%d\\n", seen == SIGTERM); return 0; }
`,
    stdout: '1\n',
  },
  'mmap()': {
    source: `#include <stdio.h>
#include <sys/mman.h>
int main(void) {
  char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[4095] = 7;
  printf("%d %d\\n", p[0] + p[4095], munmap(p, 4096));
  return 0;
}
`,
    stdout: '7 0\n',
  },
};

describe.each(['embedded', 'clang'] as const)('%s', (toolchain) => {
  it.each(Object.keys(PROGRAMS))('has %s without a flag', async (name) => {
    const { source, stdout } = PROGRAMS[name]!;
    const compiled = await compile([tree.write('program.c', source)], { toolchain, cacheDir });
    expect(await runMain(compiled)).toMatchObject({ stdout, exitCode: 0 });
    expect(compiled.warnings).toEqual([]);
  });

  it('accepts the flags of users who pass them', async () => {
    const source = tree.write('program.c', PROGRAMS['signal() and raise()']!.source);
    const options = {
      toolchain,
      cacheDir,
      flags: ['-D_WASI_EMULATED_SIGNAL', '-Werror'],
      link: ['-lwasi-emulated-signal'],
    };
    expect((await runMain(await compile([source], options))).stdout).toBe('1\n');
  });

  it('links nothing from an emulation that is not called', async () => {
    const source = tree.write('program.c', 'int one(void) { return 1; }\n');
    const { wasm } = await compile([source], { toolchain, cacheDir });
    const names = readModule(wasm).imports.map(({ name }) => name);
    expect(names).not.toContain('clock_time_get');
    expect(Buffer.from(wasm).includes('__SIG_IGN')).toBe(false);
    expect(Buffer.from(wasm).includes('mmap')).toBe(false);
  });

  it('shows mapped memory as a block of the heap', async () => {
    using lib = await loadC(
      tree.write('map.c', '#include <sys/mman.h>\nvoid *map(void) { return mmap(0, 4096, 3, 34, -1, 0); }\n'),
      { toolchain, cacheDir },
    );
    lib.exports.map!();
    expect(lib.heap.stats()).toMatchObject({ inUseObjects: 1 });
    expect(lib.heap.profile().folded()).toMatch(/map;mmap/);
  });
});
