// Translates a position in the running JavaScript to the position in its source. Node.js knows the maps of the
// modules that it loaded with `--enable-source-maps` (tsx turns this on). Other scripts, such as the output of a
// bundler, name their map in the last line; it is read once, when a profile is made.

import { existsSync, readFileSync } from 'node:fs';
import { findSourceMap } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  FlattenMap,
  originalPositionFor,
  type SectionedSourceMapInput,
  type TraceMap,
} from '@jridgewell/trace-mapping';
import type { SourcePosition } from '../platform/index.ts';

// The last comment of this kind. Other comments may follow, such as a debug id, but no code.
const COMMENT =
  /\/\/[#@] sourceMappingURL=(\S+)[^\S\n]*(?:\n[^\S\n]*(?:\/\/(?![#@] sourceMappingURL=)[^\n]*)?)*$/;
// A longer script is not searched for a map, because the search would cost more than a line number is worth.
const LONGEST_SCRIPT = 64 * 2 ** 20;

/** How long a map is kept after its last use. It takes much memory for the few positions that are looked up in it. */
const KEPT_MILLISECONDS = 10_000;

const maps = new Map<string, TraceMap | null>();
let forgetting: NodeJS.Timeout | null = null;

/** The path of a `file:` URL, or the text itself. */
export function toPath(file: string): string {
  if (!file.startsWith('file:')) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}

/** Where this position of a running script came from; the same position when no map knows it. */
export function originalPosition(file: string, line: number, column: number): SourcePosition {
  const path = toPath(file);
  const here = { file: path, line, column };
  const known = findSourceMap(file) ?? findSourceMap(path);
  if (known !== undefined) {
    const entry = known.findEntry(line - 1, column - 1);
    if (!('originalSource' in entry) || entry.originalSource === undefined) return here;
    return {
      file: sourcePath(entry.originalSource, path),
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    };
  }
  const map = mapOf(path);
  if (map === null) return here;
  const found = originalPositionFor(map, { line, column: column - 1 });
  if (found.source === null) return here;
  return { file: sourcePath(found.source, path), line: found.line, column: found.column + 1 };
}

function mapOf(path: string): TraceMap | null {
  if (forgetting !== null) forgetting.refresh();
  else {
    forgetting = setTimeout(() => {
      maps.clear();
      forgetting = null;
    }, KEPT_MILLISECONDS);
    forgetting.unref();
  }
  let map = maps.get(path);
  if (map === undefined) {
    map = readMap(path);
    maps.set(path, map);
  }
  return map;
}

function readMap(path: string): TraceMap | null {
  if (!/\.[cm]?js$/.test(path) || !isAbsolute(path) || !existsSync(path)) return null;
  try {
    const script = readFileSync(path, 'utf8');
    if (script.length > LONGEST_SCRIPT) return null;
    const url = COMMENT.exec(script)?.[1];
    if (url === undefined) return null;
    const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/.exec(url);
    const json = inline
      ? inline[1]
        ? Buffer.from(inline[2]!, 'base64').toString()
        : decodeURIComponent(inline[2]!)
      : readFileSync(resolve(dirname(path), decodeURIComponent(url)), 'utf8');
    // Some bundlers (Turbopack) write maps in sections, which TraceMap cannot read.
    return new FlattenMap(withoutSources(json), inline ? path : resolve(dirname(path), url));
  } catch {
    return null; // Without a readable map, the position in the running script is shown.
  }
}

/** A map without the texts of the sources. They are most of the map, and nothing here reads them. */
function withoutSources(json: string): SectionedSourceMapInput {
  const map = JSON.parse(json, (key, value: unknown) =>
    key === 'sourcesContent' ? undefined : value,
  ) as object;
  return map as SectionedSourceMapInput;
}

function sourcePath(source: string, script: string): string {
  const path = toPath(source);
  return isAbsolute(path) || /^[a-z][a-z0-9+.-]+:/i.test(path) ? path : resolve(dirname(script), path);
}
