// Versions of other projects' tools that the smoke tests use. With HEAPLINE_NEWEST=1 (`npm run test:newest`) the
// tests use the newest versions that npm has. docs/versions.md says which versions were tested.

const PINNED = {
  bun: '1.4.5',
  deno: '2.9.6',
  typescript: '7.0.2',
  vitest: '5.1.2',
} as const;

/** Whether the newest versions that npm has are used. */
export const NEWEST = process.env.HEAPLINE_NEWEST === '1';

export type PinnedTool = keyof typeof PINNED;

/** The version, or range of versions, to install. */
export function versionOf(tool: PinnedTool): string {
  return newestOr(PINNED[tool]);
}

/** This range, or the newest version with HEAPLINE_NEWEST. */
export function newestOr(range: string): string {
  return NEWEST ? 'latest' : range;
}
