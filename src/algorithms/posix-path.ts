// Paths with forward slashes, as text: the functions of the same names in node:path/posix, for places that run in a
// browser as well.

/** Resolves `.`, `..` and repeated slashes. A relative path that goes nowhere is `.`. */
export function normalize(path: string): string {
  const absolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!absolute) parts.push(part);
  }
  const inner = parts.join('/');
  if (inner === '') return absolute ? '/' : path.endsWith('/') && path !== '' ? './' : '.';
  return `${absolute ? '/' : ''}${inner}${path.endsWith('/') ? '/' : ''}`;
}

/** The last part of a path. */
export function basename(path: string): string {
  return path.replace(/\/+$/, '').replace(/^.*\//s, '');
}

/** The absolute path that a program in the root folder means by this path. */
export function fromRoot(path: string): string {
  const normal = normalize(`/${path}`);
  return normal === '/' ? normal : normal.replace(/\/$/, '');
}

const ABSOLUTE = /^(?:[/\\]|[A-Za-z]:[/\\])/;

/** Whether a path is absolute on any system: it begins with a slash or a drive. */
export function isAbsolute(path: string): boolean {
  return ABSOLUTE.test(path);
}
