// heapline cc, c++, emcc, em++, ld, ar, ranlib and cmake: the ways into a build that somebody else wrote.

import type { Command } from 'commander';
import type { Tool } from '../cc/index.ts';
import type { Terminal } from './terminal.ts';

const DESCRIPTIONS: Readonly<Record<Tool, string>> = {
  cc: 'compile and link C with the options of gcc or clang, for any build: CC="heapline cc" ./configure',
  'c++': 'compile and link C++ in the same way',
  emcc: 'compile and link with Emscripten, with its options; the program checks its heap in Node.js',
  'em++': 'compile and link C++ in the same way',
  ld: 'link as wasm-ld does, for scripts that ask the compiler for its linker',
  ar: 'make archives of its objects',
  ranlib: 'write the index of such an archive',
};

/** The tool that a command names; null for other commands. */
export function ccTool(command: string | undefined): Tool | null {
  return command !== undefined && Object.hasOwn(DESCRIPTIONS, command) ? (command as Tool) : null;
}

/** Adds the commands. main.ts runs the tools itself, so here they are for the help only. */
export function addCcCommands(program: Command, terminal: Terminal): void {
  for (const [name, description] of Object.entries(DESCRIPTIONS)) {
    program
      .command(name)
      .description(description)
      .usage('[options of the tool]')
      .argument('[arguments...]', 'what a build system passes')
      .allowUnknownOption();
  }
  program
    .command('cmake')
    .description('print the path of a toolchain file for CMake, which uses heapline cc')
    .addHelpText(
      'after',
      '\nExamples:\n  cmake -B build --toolchain "$(heapline cmake)" && cmake --build build && ctest --test-dir build',
    )
    .action(async () => {
      const { cmakeToolchain } = await import('../cc/index.ts');
      terminal.data(`${await cmakeToolchain()}\n`);
    });
}
