/**
 * The entry `heapline/setup`: compiles C before the tests start, where no time limit of a test or a hook applies. The
 * tests then load it from the cache.
 *
 * ```ts
 * // globalSetup of jest and vitest
 * export default () => compileAhead('parser.c');
 * ```
 *
 * @module setup
 */

import '../node/install.ts';
import '../profile/install-presentation.ts';
import '../serve/join.ts';
import { basename } from 'node:path';
import { defaultCacheDirectory } from '../compile/index.ts';
import { compileC, type LoadCOptions } from '../loading/load-c.ts';
import { progressText } from '../options/progress-text.ts';

export type { LoadCOptions };

/** Milliseconds after which progress is shown. */
const PATIENCE = 1000;

/**
 * Compiles in advance what `loadC()` will compile with the same arguments, so that `loadC()` takes it from the cache.
 * Call it once for each program. Steps that take more than a second show progress on standard error.
 * @param sources one C file, or several that are linked into one module: paths, or file: URLs
 */
export async function compileAhead(
  sources: string | URL | readonly (string | URL)[],
  options: LoadCOptions = {},
): Promise<void> {
  const progress = new Progress();
  try {
    const { files } = await compileC('compileAhead', sources, {
      ...options,
      onProgress(step) {
        progress.step(progressText(step));
        options.onProgress?.(step);
      },
    });
    progress.done(files);
    if (options.cacheDir === undefined && defaultCacheDirectory() === null) {
      process.emitWarning(
        'compileAhead() has nowhere to keep what it compiles, so that each test compiles it again: name a folder in ' +
          'HEAPLINE_CACHE, or in the option cacheDir.',
        { code: 'HEAPLINE_NO_CACHE' },
      );
    }
  } finally {
    progress.end();
  }
}

/** Progress of one compilation: nothing for a short one; for a long one, each step and its duration. */
class Progress {
  readonly #start = performance.now();
  readonly #timer = setTimeout(() => this.#tell(), PATIENCE);
  #text = '';
  #late = false;

  constructor() {
    this.#timer.unref();
  }

  step(text: string): void {
    this.#text = text;
    if (this.#late) say(`${text} …`);
  }

  /** Called when everything is compiled. */
  done(files: readonly string[]): void {
    const seconds = (performance.now() - this.#start) / 1000;
    if (this.#late)
      say(`compiled ${files.map((file) => basename(file)).join(', ')} in ${seconds.toFixed(1)} s`);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.#late = true;
    if (this.#text !== '') say(`${this.#text} …`);
  }
}

function say(text: string): void {
  process.stderr.write(`heapline: ${text}\n`);
}
