// LeakSanitizer suppresses the same functions with the same patterns, and what Valgrind writes to suppress leaks of a
// program hides the same leaks here.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadC } from '../../src/index.ts';
import {
  LeakReport,
  leakKinds,
  parseSuppressions,
  suppress,
  suppressionsOf,
} from '../../src/report/index.ts';
import { frame, record } from '../support/sample-report.ts';

describe('against LeakSanitizer', () => {
  const NAMES = ['parse', 'parse_list', 'list_parse', 'reparse_all', 'node_new', 'new_node', 'xx', 'a'];
  const PATTERNS = [
    'parse',
    '^parse',
    'parse$',
    '^parse$',
    '*parse',
    'parse*',
    '^parse*',
    'p*_l',
    '^*parse',
    'list*parse',
    'node*',
    '^n*w$',
    '^n*e',
    'n*_n*',
    '_node',
    'xx$',
    'xxx',
    '*',
    '^node_new$',
    'leaking.c',
    '^leaking',
    'NODE',
  ];

  test(`${PATTERNS.length} patterns suppress the same functions there and here`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'heapline-supp-'));
    try {
      const bodies = NAMES.map(
        (name, i) => `__attribute__((noinline)) void ${name}(void) { sink = malloc(${1000 + i}); sink = 0; }`,
      );
      const calls = NAMES.map((name) => `${name}();`).join(' ');
      // LeakSanitizer also scans registers and the stack. Without this, it takes the last block for reachable now
      // and then, because its address is still in a dead slot.
      const scrub =
        '__attribute__((noinline)) void scrub(void) { volatile char room[8192]; ' +
        'for (int i = 0; i < 8192; i++) room[i] = 0; sink = malloc(1); free(sink); sink = 0; }';
      writeFileSync(
        join(folder, 'leaking.c'),
        `#include <stdlib.h>\nstatic void *volatile sink;\n${bodies.join('\n')}\n${scrub}\n` +
          `int main(void) { ${calls} scrub(); return 0; }\n`,
      );
      const program = join(folder, 'program');
      execFileSync('gcc', ['-g', '-O0', '-fsanitize=address', '-o', program, 'leaking.c'], { cwd: folder });
      const ours = (pattern: string) => {
        const records = NAMES.map((name) =>
          record([frame(name, `${folder}/leaking.c:1`), frame('main', `${folder}/leaking.c:9`)]),
        );
        const report = suppress(
          new LeakReport({ records, program: `${folder}/program` }),
          suppressionsOf([pattern]),
        );
        return NAMES.filter((name) => report.records.some((left) => left.frames[0]!.function === name));
      };
      const theirs = (pattern: string) => {
        const file = join(folder, 'supp');
        writeFileSync(file, `leak:${pattern}\n`);
        const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', LSAN_OPTIONS: `suppressions=${file}` };
        const { stderr } = spawnSync(program, { env, encoding: 'utf8' });
        return NAMES.filter((name) => stderr.includes(` in ${name} `));
      };
      for (const pattern of PATTERNS) expect([pattern, ours(pattern)]).toEqual([pattern, theirs(pattern)]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('against Valgrind', () => {
  const SOURCE = `#include <stdlib.h>
#include <string.h>
struct node { struct node *next; };
static struct node *kept;
__attribute__((noinline)) static void *xcalloc(size_t n) { void *p = calloc(1, n); if (!p) abort(); return p; }
__attribute__((noinline)) static struct node *push(struct node *next) {
  struct node *node = xcalloc(sizeof *node); node->next = next; return node;
}
__attribute__((noinline)) static void recurse(int depth) { if (depth) recurse(depth - 1); else push(0); }
__attribute__((noinline)) static void lose_text(void) { volatile char *text = strdup("lost"); text = 0; }
int main(void) {
  push(push(0));
  recurse(3);
  lose_text();
  kept = push(0);
  kept = realloc(kept, 100);
  return 0;
}
`;

  test('what it writes for each of its records hides every record here', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heapline-supp-'));
    try {
      const source = join(folder, 'leaking.c');
      writeFileSync(source, SOURCE);
      const program = join(folder, 'program');
      execFileSync('gcc', ['-g', '-O0', '-o', program, source]);
      const options = ['--leak-check=full', '--show-leak-kinds=all', '--gen-suppressions=all'];
      const { stderr } = spawnSync('valgrind', [...options, program], { encoding: 'utf8' });
      const blocks = stderr.match(/^\{\n[\s\S]*?^\}$/gm) ?? [];
      expect(blocks.length).toBeGreaterThanOrEqual(4);

      using lib = await loadC(source, { toolchain: 'clang', flags: ['-O0', '-w'] });
      lib.run();
      const report = lib.heap.leaks();
      expect(report.of(leakKinds).length).toBeGreaterThanOrEqual(4);
      const suppressions = parseSuppressions(blocks.join('\n'), 'valgrind.supp');
      const hidden = suppress(report, suppressions);
      expect(hidden.records).toEqual([]);
      expect(hidden.unusedSuppressions).toEqual([]);
      // Each of them hides its own records only. Indirectly lost blocks are part of the records of others.
      for (const [i, each] of suppressions.entries()) {
        if (blocks[i]!.includes('match-leak-kinds: indirect')) continue;
        expect(
          suppress(
            report,
            suppressions.filter((other) => other !== each),
          ).records,
        ).not.toEqual([]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
