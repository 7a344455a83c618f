// The pass that limits how far the module's own memory may grow.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Rewriter } from '../rewrite/index.ts';

const PAGE = 0x10000;
/** Pages at which Emscripten lets a memory end by default; its JavaScript contains the same number. */
const EMSCRIPTEN_MAXIMUM = 0x8000n;

function grownByEmscripten(module: WasmModule): boolean {
  return module.imports.some(({ name }) => name === 'emscripten_resize_heap');
}

/** True if the module defines its memory 0, rather than importing it. */
function ownsMemory(module: WasmModule): boolean {
  return !module.imports.some((each) => each.kind === ExternalKind.Memory && each.index === 0);
}

/** The limit in pages. Throws an InvalidArgumentError if the module cannot run within it. */
function checkMaximum(module: WasmModule, maxMemory: number): number {
  if (!Number.isFinite(maxMemory) || maxMemory <= 0) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory must be a positive number of bytes, not ${maxMemory}`,
    );
  }
  const pages = Math.min(Math.floor(maxMemory / PAGE), PAGE);
  const { maximum } = module.memories[0]!;
  const minimum = Number(module.memories[0]!.minimum);
  if (pages < minimum) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory is ${maxMemory} bytes, but the module starts with ${minimum * PAGE} bytes of memory`,
    );
  }
  // Nobody chose the default maximum. A lower one was chosen, and is as good a limit as maxMemory.
  if (maximum === EMSCRIPTEN_MAXIMUM && pages > maximum && grownByEmscripten(module)) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory is ${maxMemory} bytes, but Emscripten linked the module for a memory that ends at 2 GiB: link it with -sMAXIMUM_MEMORY=4GB (\`link: ['-sMAXIMUM_MEMORY=4GB']\`), ` +
        'or use another toolchain',
    );
  }
  return pages;
}

/**
 * Limits memory 0 to `maxMemory` bytes, rounded down to pages. A lower maximum stays. Whoever supplies an
 * imported memory limits it.
 */
export function limitMemory(rewriter: Rewriter, maxMemory: number): void {
  const { module } = rewriter;
  if (!ownsMemory(module)) return;
  const pages = BigInt(checkMaximum(module, maxMemory));
  const { minimum, maximum } = module.memories[0]!;
  rewriter.setMemoryLimits(0, minimum, maximum !== null && maximum < pages ? maximum : pages);
}
