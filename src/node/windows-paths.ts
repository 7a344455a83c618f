// Paths of Windows as POSIX programs write them: `/c/Users` or `/c:/Users` is `c:\Users`.

/**
 * A guest's absolute path as Windows writes it. A path that names no drive stays as it is. C takes a user's `C:\file`,
 * `\file` or `\\server\share\file` for a relative path and puts its working directory before it.
 */
export function windowsPath(guest: string): string {
  const drive = /^\/+([A-Za-z]):?(?:\/(.*))?$/s.exec(guest);
  const ofUser = /^.*\/([A-Za-z]:[\\/].*|\\.*)$/s.exec(guest)?.[1]?.replaceAll('/', '\\');
  if (ofUser !== undefined) {
    const isRooted = ofUser.startsWith('\\') && !ofUser.startsWith('\\\\');
    return isRooted && drive !== null ? `${drive[1]}:${ofUser}` : ofUser;
  }
  return drive === null ? guest : `${drive[1]}:\\${(drive[2] ?? '').replaceAll('/', '\\')}`;
}

/** An absolute path of Windows as a guest writes it. */
export function posixPath(windows: string): string {
  return `/${windows.replace(':', '').replaceAll('\\', '/')}`;
}

/** Whether two absolute paths of Windows name the same place: it takes `/` for `\` and does not tell cases apart. */
export function isSameWindowsPath(one: string, other: string): boolean {
  const plain = (path: string): string => path.replaceAll('/', '\\').toLowerCase();
  // A letter whose other case has more than one letter has none on Windows.
  return one.length === other.length && plain(one) === plain(other);
}
