// Packages as others build them: the same sources, linked by emcc into different shapes of JavaScript. The runtime is
// linked in with the flags that `heapline link-flags emscripten` names.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { linkFilesByHand } from '../../src/compile/link-by-hand.ts';
import { EMCC } from '../support/emcc.ts';

const run = promisify(execFile);

/** One link of a program. */
export interface Build {
  /** Path of the source below `programs/`. */
  readonly source: string;
  /** Ending of the JavaScript: `.cjs`, `.mjs` or `.js`. */
  readonly ending: '.cjs' | '.mjs';
  readonly flags: readonly string[];
  /** Leave the runtime out. */
  readonly plain?: boolean;
}

/** The folder of one test file's packages. */
export class BuiltPackages {
  readonly folder = mkdtempSync(join(tmpdir(), 'heapline-attach-'));
  #count = 0;

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Links a program; returns the path of its JavaScript. */
  async build({ source, ending, flags, plain = false }: Build): Promise<string> {
    const folder = join(this.folder, `${++this.#count}`);
    await run('mkdir', [folder]);
    const output = join(folder, `package${ending}`);
    const [object, response] = linkFilesByHand('emscripten');
    const runtime = plain ? [] : [object, `@${response}`];
    const file = join(import.meta.dirname, 'programs', source);
    await run(EMCC, ['-g', '-fno-builtin-malloc', file, ...flags, ...runtime, '-o', output]);
    return output;
  }
}
