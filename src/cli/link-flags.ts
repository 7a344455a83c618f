// heapline link-flags: prints the flags that another build system adds to its link (docs/linking.md).

import type { Command } from 'commander';
import { usageError } from './failure.ts';
import type { Terminal } from './terminal.ts';

export function addLinkFlagsCommand(program: Command, terminal: Terminal): void {
  program
    .command('link-flags')
    .description('print what to add to a link of your own: the runtime and its linker flags')
    .usage('wasi|emscripten|emscripten-sandbox|rust')
    .argument(
      '<target>',
      'wasi (clang), emscripten (emcc), emscripten-sandbox (emcc, for loadWasm), or rust (rustc)',
    )
    .addHelpText(
      'after',
      `
It prints two paths: the runtime's object, and a response file with the flags that Heapline needs. For Rust, it prints
arguments of rustc that name the two.
A module linked with those for emscripten keeps its own JavaScript, and attach() watches it. With those for
emscripten-sandbox, loadWasm() and heapline run the module and its JavaScript.

Examples:
  clang --target=wasm32-wasi main.o $(heapline link-flags wasi) -Wl,--export=__main_void -o main.wasm
  emcc -g -sMODULARIZE -sEXPORT_ES6 lib.c $(heapline link-flags emscripten) -o lib.mjs
  cargo rustc --release --target wasm32-wasip1 -- $(heapline link-flags rust)`,
    )
    .action(async (target: string) => {
      const { isLinkTarget, LINK_TARGETS, linkArgumentsByHand, linkFilesByHand } = await import(
        '../compile/link-by-hand.ts'
      );
      if (!isLinkTarget(target)) {
        throw usageError('target', `${target} is no target: it is one of ${LINK_TARGETS.join(', ')}.`);
      }
      const spaced = linkFilesByHand(target).find((file) => /\s/.test(file));
      if (spaced !== undefined) {
        throw usageError(
          'target',
          `A shell would take the path ${spaced} apart at its spaces. Write it into the command line by hand, in ` +
            'quotes, as docs/linking.md shows.',
        );
      }
      terminal.data(`${linkArgumentsByHand(target).join(' ')}\n`);
    });
}
