// The door of `rewrite`: a module and the edits of passes in, the module with all edits and its offset map out.

export { CodeEdits } from './code-edits.ts';
export { type CodeRuns, readRuns, writeRuns } from './code-runs.ts';
export { OffsetMap } from './offset-map.ts';
export { type CustomSection, Rewriter, type Rewritten, type RewrittenCode } from './rewriter.ts';
