// heapline types: writes TypeScript declarations of a module's functions and types.

import { basename } from 'node:path';
import type { Command } from 'commander';
import { sourceLines } from '../node/source-lines.ts';
import {
  addCompileOptions,
  type CompileArguments,
  compileOptions,
  idleOptionsNote,
  moduleError,
  readInput,
} from './arguments.ts';
import { usageError } from './failure.ts';
import { checkWritable, writeOutput } from './output-files.ts';
import type { Terminal } from './terminal.ts';

interface TypesArguments extends CompileArguments {
  output?: string;
}

/** Stands for standard output in place of a file. */
const STANDARD = '-';

export function addTypesCommand(program: Command, terminal: Terminal): void {
  addCompileOptions(
    program
      .command('types')
      .description("write TypeScript declarations of a module's functions and structs")
      .usage('[options] <file.c…|module.wasm>')
      .argument('<files...>', 'C sources, or one module with debug information')
      .option('-o, --output <file>', 'file to write; - for standard output', STANDARD),
  )
    .addHelpText(
      'after',
      `
They have the names and types of parameters, 64-bit integers as bigint, pointers that know what they point to,
enumerations as unions, and the comments above functions. sandbox.view() reads structs by these types.

Examples:
  heapline types parser.c -o parser.types.d.ts
  heapline types build/parser.wasm > parser.types.d.ts`,
    )
    .action(async (files: string[], given: TypesArguments) => {
      const { output = STANDARD } = given;
      if (output !== STANDARD) checkWritable(output);
      const { bytes, offers } = await moduleOf(files, given, terminal);
      const { ModuleTypes } = await import('../c-types/index.ts');
      const types = terminal.during('reading the debug information', () => new ModuleTypes(bytes));
      const lines = terminal.during('writing the declarations', () =>
        types.declarations({ offers, sourceLines }),
      );
      for (const warning of types.warnings) terminal.warn(warning);
      const names = files.map((file) => basename(file)).join(', ');
      const text = `// The types of ${names}. Written by \`heapline types\`: changes are lost when it writes them again.\n\n${lines.join('\n')}\n`;
      if (output === STANDARD) terminal.data(text);
      else {
        writeOutput(output, text);
        terminal.say(terminal.colors.dim(`Wrote ${output}.`));
      }
    });
}

/** The module whose types are asked for, and which of its functions a sandbox offers. */
async function moduleOf(
  files: readonly string[],
  given: TypesArguments,
  terminal: Terminal,
): Promise<{ readonly bytes: Uint8Array; readonly offers: (name: string) => boolean }> {
  const modules = files.filter((file) => file.endsWith('.wasm'));
  if (modules.length === 0) {
    terminal.progress('compiling');
    const { compile, removeDirectoriesOnSignals } = await import('../compile/index.ts');
    removeDirectoriesOnSignals();
    const { wasm, exports } = await compile(files, { ...compileOptions(given), ...terminal.watching }, {});
    terminal.endProgress();
    const offered = new Set(exports.filter((name) => name !== 'main'));
    return { bytes: wasm, offers: (name) => offered.has(name) };
  }
  if (files.length > 1) {
    throw usageError('files', `Give C sources or one module, not both: ${modules[0]} is a module already.`);
  }
  const path = files[0]!;
  const idle = idleOptionsNote(path, given);
  if (idle !== null) terminal.warn(idle);
  const { isOwnFunction } = await import('../sandbox/index.ts');
  const { readModule } = await import('../binary/index.ts');
  const bytes = readInput(path);
  try {
    readModule(bytes);
  } catch (error) {
    throw moduleError(path, error);
  }
  return { bytes, offers: isOwnFunction };
}
