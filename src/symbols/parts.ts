// Parts of a symbolizer that few modules need. They are installed by files of their own, so that programs load them only
// for modules that have a source map or functions of Rust.

import type { SourceMapInput, SourcePositions } from './source-positions.ts';

/** What reads the names of Rust's functions (rust-names.ts). */
export type RustNames = typeof import('./rust-names.ts');

let openMap: ((map: SourceMapInput) => SourcePositions) | null = null;
let rust: RustNames | null = null;

/** Installs what opens source maps. */
export function useSourceMaps(open: (map: SourceMapInput) => SourcePositions): void {
  openMap = open;
}

/** Opens a source map. Throws an error of any kind for a malformed one. */
export function openSourceMap(map: SourceMapInput): SourcePositions {
  if (openMap === null) throw new Error('the code that reads source maps is not loaded');
  return openMap(map);
}

/** Installs what reads the names of Rust's functions. */
export function useRustNames(names: RustNames): void {
  rust = names;
}

/** What reads the names of Rust's functions; null when it is not installed. */
export function rustNames(): RustNames | null {
  return rust;
}
