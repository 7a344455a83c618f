// Paths of Windows as POSIX programs write them: `/c/Users` or `/c:/Users` is `c:\Users`.

/** A guest's absolute path as Windows writes it. A path that names no drive stays as it is. */
export function windowsPath(guest: string): string {
  const drive = /^\/+([A-Za-z]):?(?:\/(.*))?$/s.exec(guest);
  return drive === null ? guest : `${drive[1]}:\\${(drive[2] ?? '').replaceAll('/', '\\')}`;
}

/** An absolute path of Windows as a guest writes it. */
export function posixPath(windows: string): string {
  return `/${windows.replace(':', '').replaceAll('\\', '/')}`;
}
