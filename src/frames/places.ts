// Where a frame is, as text: paths relative to a folder, and `file:line:column`.

import type { Frame } from './frame.ts';

/** Whether a file lies below the root. */
export function isBelow(file: string, root: string | undefined): boolean {
  return relativePath(file, root) !== relativePath(file, undefined);
}

/** A path with forward slashes, relative to `root` when it lies below it. */
export function relativePath(file: string, root: string | undefined): string {
  const path = file.replaceAll('\\', '/');
  if (root === undefined || root === '') return path;
  const base = root.replaceAll('\\', '/').replace(/\/+$/, '');
  return path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `file:line:column` as far as it is known, '' when it is not. */
export function position(frame: Frame, root?: string): string {
  if (frame.file === '') return '';
  const path = relativePath(frame.file, root);
  if (frame.line === 0) return path;
  return frame.column === 0 ? `${path}:${frame.line}` : `${path}:${frame.line}:${frame.column}`;
}
