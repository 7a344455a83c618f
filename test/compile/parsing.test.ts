import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDepfile } from '../../src/compile/depfile.ts';
import { linkError, parseDiagnostics } from '../../src/compile/diagnostics.ts';
import { parseDriverCommand } from '../../src/compile/embedded.ts';
import { collectFiles } from '../../src/compile/includes.ts';
import { sourceTree } from '../support/source-tree.ts';

describe('diagnostics', () => {
  it('reads clang’s errors, warnings, notes and fatal errors', () => {
    const output = `/a/b c.c:3:14: error: expected ';' after expression
    3 |   int x = 1 +
      |              ^
/a/b c.c:1:2: warning: unused variable 'x' [-Wunused-variable]
C:\\x\\y.c:10:1: fatal error: 'no.h' file not found
/a/d.h:4:5: note: previous definition is here
clang: error: unsupported option '-foo'
1 error generated.
`;
    expect(parseDiagnostics(output)).toEqual([
      { severity: 'error', file: '/a/b c.c', line: 3, column: 14, message: "expected ';' after expression" },
      {
        severity: 'warning',
        file: '/a/b c.c',
        line: 1,
        column: 2,
        message: "unused variable 'x' [-Wunused-variable]",
      },
      { severity: 'error', file: 'C:\\x\\y.c', line: 10, column: 1, message: "'no.h' file not found" },
      { severity: 'note', file: '/a/d.h', line: 4, column: 5, message: 'previous definition is here' },
      { severity: 'error', file: null, line: 0, column: 0, message: "unsupported option '-foo'" },
    ]);
  });

  it('leaves out the message that a tool failed if the tool said why', () => {
    const failed = "emcc: error: '/usr/bin/clang -c a.c -o a.o' failed (returned 1)\n";
    const cause = '/a.c:1:2: error: expected identifier\n';
    expect(parseDiagnostics(cause + failed).map(({ message }) => message)).toEqual(['expected identifier']);
    expect(
      parseDiagnostics(
        'wasm-ld: error: a.o: undefined symbol: f\nclang: error: linker command failed with exit code 1 (use -v to see invocation)\n',
      ).map(({ message }) => message),
    ).toEqual(['a.o: undefined symbol: f']);
    // It is the only message of a compiler that was killed.
    expect(parseDiagnostics(failed)).toHaveLength(1);
    expect(parseDiagnostics(`/a.c:1:2: warning: odd\n${failed}`)).toHaveLength(2);
  });

  it.each([
    ['wasm-ld', 'wasm-ld: error: 0-a.c.o: undefined symbol: foo\n', 'foo'],
    ['emcc 3', 'error: undefined symbol: foo (referenced by top-level compiled C/C++ code)\n', 'foo'],
    ['an export', 'wasm-ld-14: error: symbol exported via --export not found: foo\n', 'foo'],
    ['C++', 'wasm-ld: error: a.o: undefined symbol: ns::f(int)\n', 'ns::f(int)'],
  ])('names the missing symbol for %s', (_, output, name) => {
    expect(linkError(output).missing).toEqual([name]);
  });

  it('says which package Emscripten lacks when its own JavaScript does not run', () => {
    const output =
      "Error: Cannot find module 'acorn'\nemcc: error: '/usr/bin/node a.js' failed (returned 1)\n";
    expect(linkError(output)).toMatchObject({ missing: [], message: expect.stringContaining('NODE_PATH') });
  });

  it('accepts any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        parseDiagnostics(text);
        linkError(text);
        parseDepfile(text);
        parseDriverCommand(text);
      }),
    );
  });
});

describe('dependency files', () => {
  it('reads continued lines, escaped spaces and dollars', () => {
    expect(parseDepfile('x.o: /a/b.c \\\n  /a/c\\ d.h \\\n /a/e$$f.h C:/g.h\n')).toEqual([
      '/a/b.c',
      '/a/c d.h',
      '/a/e$f.h',
      'C:/g.h',
    ]);
  });

  it('reads only the first rule', () => {
    expect(parseDepfile('x.o: a.c b.h\n\nb.h:\n')).toEqual(['a.c', 'b.h']);
  });
});

describe('the search for headers', () => {
  const virtual = (file: string) => `/v${file}`;

  it('follows nested includes, includes on the include path, and includes through macros', () => {
    using tree = sourceTree({
      'a.c':
        '#include "b.h"\n# include <c.h>\n#include WHERE\n#include <stdio.h>\n#if __has_include("e.h")\n#endif\n',
      'b.h': '#define WHERE "d.h"\n',
      'd.h': '',
      'e.h': '',
      'unused.h': '',
    });
    using other = sourceTree({ 'c.h': '#include FROM_COMMAND_LINE\n', 'f.h': '' });
    const found = collectFiles(
      tree.file('a.c'),
      [`-I${other.directory}`, '-DFROM_COMMAND_LINE="f.h"'],
      virtual,
    );
    expect([...found.keys()].sort()).toEqual(
      [...['a.c', 'b.h', 'd.h', 'e.h'].map(tree.file), ...['c.h', 'f.h'].map(other.file)].map(virtual).sort(),
    );
  });

  it('rewrites only includes with .. and absolute includes', () => {
    using tree = sourceTree({ 'x.h': 'int x = "..";\r\n' });
    const text = `// \xff\n#include "../${path.basename(tree.directory)}/x.h"\n#include "${tree.file('x.h')}" // two\n`;
    tree.write('a.c', text);
    const found = collectFiles(tree.file('a.c'), [], virtual);
    expect(Buffer.from(found.get(virtual(tree.file('a.c')))!).toString()).toBe(
      `// \xff\n#include "${virtual(tree.file('x.h'))}"\n#include "${virtual(tree.file('x.h'))}" // two\n`,
    );
    expect(Buffer.from(found.get(virtual(tree.file('x.h')))!)).toEqual(readFileSync(tree.file('x.h')));
  });

  it('reads directives as the preprocessor does', () => {
    const spellings = [
      '/* c */ #include "0.h"',
      '#include /* c */ /**/ "1.h"',
      '# /**/ include<2.h>',
      '#\\\ninclude "3.h"',
      '%:include "4.h"',
      '#define X "5.h"\r\n#define Y X\n#define Z /**/ Y\r\n#include Z',
      '/* / */#/**/import/* x */"6.h"',
    ];
    const headers = Object.fromEntries(spellings.map((_, i) => [`${i}.h`, '']));
    using tree = sourceTree({ 'a.c': spellings.join('\n'), ...headers, 'no.h': '' });
    tree.write('no.c', '/* #include "no.h" */ // #include "no.h"\n');
    const found = collectFiles(tree.file('a.c'), [`-I${tree.directory}`], virtual);
    expect([...found.keys()].sort()).toEqual(
      ['a.c', ...Object.keys(headers)].map(tree.file).map(virtual).sort(),
    );
    expect(collectFiles(tree.file('no.c'), [], virtual).size).toBe(1);
  });

  it('terminates when headers include each other', () => {
    using tree = sourceTree({ 'a.c': '#include "b.h"\n', 'b.h': '#include "a.c"\n#include "b.h"\n' });
    expect(collectFiles(tree.file('a.c'), [], virtual).size).toBe(2);
  });
});
