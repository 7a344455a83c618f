// The pass that exports the mutable globals that a module keeps to itself, so that a snapshot can save them, and a leak
// scan can look at them.

import { ExternalKind } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';

/** The names that these exports get begin with this. */
const PREFIX = 'heapline_global_';

/** Exports all mutable globals that have no name. */
export function exportGlobals(rewriter: Rewriter): void {
  const { module } = rewriter;
  const exported = new Set(
    module.exports.filter(({ kind }) => kind === ExternalKind.Global).map(({ index }) => index),
  );
  module.globals.forEach(({ mutable }, index) => {
    if (mutable && !exported.has(index)) rewriter.addExport(`${PREFIX}${index}`, ExternalKind.Global, index);
  });
}
