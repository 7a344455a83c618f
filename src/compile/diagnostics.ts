// Turns the output of clang, wasm-ld and emcc into data. The forms read here are clang's `file:line:column: severity:
// message`, the drivers' `clang: error: …`, wasm-ld's `wasm-ld: error: object: undefined symbol: name` and
// emcc's `error: undefined symbol: name (referenced by …)`.

import { CompileError, type Diagnostic, InvalidArgumentError, LinkError } from '../errors.ts';

const PLACED = /^(.+?):(\d+):(\d+): (fatal error|error|warning|note|remark): (.*)$/;
const TOOL =
  /^(?:[\w./+-]*(?:clang|clang\+\+|wasm-ld|emcc|em\+\+|lld|ld)[\w.+-]*: )?(fatal error|error|warning|note): (.*)$/;
const UNDEFINED =
  /(?:undefined symbol|undefined exported symbol|symbol exported via --export not found): ["`']?(.+?)["`']?(?: \(referenced by .*)?$/;

/** A driver's last message about a tool that has already said what is wrong. emcc repeats the whole command. */
const REPEATED = /^(?:'.*' failed \(.*\)|linker command failed with exit code \d+\b.*)$/;

function severityOf(word: string): Diagnostic['severity'] {
  if (word === 'warning' || word === 'note') return word;
  return word === 'remark' ? 'note' : 'error';
}

/** Reads every diagnostic in a tool's output. Skips the message that the tool failed if the tool has said why. */
export function parseDiagnostics(output: string): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const raw of output.split('\n')) {
    const line = raw.trimEnd();
    const placed = PLACED.exec(line);
    if (placed !== null) {
      diagnostics.push({
        severity: severityOf(placed[4]!),
        file: placed[1]!,
        line: Number(placed[2]),
        column: Number(placed[3]),
        message: placed[5]!,
      });
      continue;
    }
    const tool = TOOL.exec(line);
    if (tool !== null) {
      diagnostics.push({ severity: severityOf(tool[1]!), file: null, line: 0, column: 0, message: tool[2]! });
    }
  }
  const causes = diagnostics.filter(({ file, message }) => file !== null || !REPEATED.test(message));
  return causes.some(({ severity }) => severity === 'error') ? causes : diagnostics;
}

/** One diagnostic the way compilers print it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const place =
    diagnostic.file === null ? '' : `${diagnostic.file}:${diagnostic.line}:${diagnostic.column}: `;
  return `${place}${diagnostic.severity}: ${diagnostic.message}`;
}

const SHOWN = 5;

function summary(diagnostics: readonly Diagnostic[], output: string): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length === 0) return output.trim().split('\n').slice(-SHOWN).join('\n');
  const more = errors.length > SHOWN ? `\n… and ${errors.length - SHOWN} more errors` : '';
  return errors.slice(0, SHOWN).map(formatDiagnostic).join('\n') + more;
}

/** The error for sources that the compiler rejected. */
export function compileError(source: string, output: string): CompileError {
  const diagnostics = parseDiagnostics(output);
  return new CompileError(
    diagnostics,
    output,
    `${source} does not compile:\n${summary(diagnostics, output)}`,
  );
}

/** The error for a compiler that succeeded but wrote no object, as it does with `-fsyntax-only`. */
export function noObjectError(source: string, flags: readonly string[]): InvalidArgumentError {
  return new InvalidArgumentError(
    'flags',
    `The compiler wrote no object for ${source} with these flags: ${flags.join(' ')}. Leave out the flag that keeps it from ` +
      'compiling, such as -fsyntax-only.',
  );
}

/** The symbols that nothing defines, according to the linker. */
export function missingSymbols(output: string): string[] {
  const missing = new Set<string>();
  for (const line of output.split('\n')) {
    const match = UNDEFINED.exec(line.trimEnd());
    // Emscripten writes the names of exports with the underscore that they have in JavaScript.
    if (match !== null)
      missing.add(match[0].startsWith('undefined exported') ? match[1]!.replace(/^_/, '') : match[1]!);
  }
  return [...missing];
}

function undefinedSymbol(name: string): Diagnostic {
  return { severity: 'error', file: null, line: 0, column: 0, message: `undefined symbol: ${name}` };
}

/**
 * The error for objects that the linker rejected. It names the missing symbols: the linker's own and those in `more`.
 */
export function linkError(output: string, more: readonly string[] = []): LinkError {
  const said = missingSymbols(output);
  const names = [...new Set([...said, ...more])];
  const diagnostics = [...parseDiagnostics(output), ...names.slice(said.length).map(undefinedSymbol)];
  const headline = /Cannot find module 'acorn'/.test(output)
    ? 'The objects do not link, because this Emscripten lacks the npm package acorn, which it needs for these linker' +
      ' flags. Install acorn where the Node.js of Emscripten finds it, such as a folder in NODE_PATH:'
    : names.length === 0
      ? 'The objects do not link:'
      : `The objects do not link, because nothing defines ${names.map((name) => `\`${name}\``).join(', ')}` +
        ' (is a source file or a `link` library missing?):';
  return new LinkError(names, diagnostics, output, `${headline}\n${summary(diagnostics, output)}`);
}
