// Two file systems behind the WASI functions of one guest: files in memory and directories of the host. A descriptor
// belongs to one of them, so each call goes to the file system that has its descriptor.

import type { DescriptorNumbers, FileSystem, WasiFunctions } from '../platform/index.ts';

/** The numbers of one guest's descriptors. */
export class GuestDescriptors implements DescriptorNumbers {
  readonly #owners: Pick<FileSystem, 'has'>[] = [];

  constructor(private readonly lowest: number) {}

  add(owner: Pick<FileSystem, 'has'>): void {
    this.#owners.push(owner);
  }

  next(lowest = this.lowest): number {
    let fd = lowest;
    while (this.#owners.some((owner) => owner.has(fd))) fd++;
    return fd;
  }
}

const SUCCESS = 0;
const EBADF = 8;
/** A link or a rename that would lead from one file system into the other. */
const EXDEV = 75;

/** Which arguments of a function are descriptors, where it is not the first alone. */
const DESCRIPTORS: Readonly<Record<string, readonly number[]>> = {
  path_link: [0, 4],
  path_rename: [0, 3],
  path_symlink: [2],
};

/** The functions of both. @param first answers for descriptors that nobody has */
export function joinFileSystems(first: FileSystem, second: FileSystem): WasiFunctions {
  const joined: WasiFunctions = {};
  for (const [name, call] of Object.entries(first.functions)) {
    const other = second.functions[name]!;
    const places = DESCRIPTORS[name] ?? [0];
    joined[name] = (...args: never[]) => {
      const inSecond = places.map((place) => second.has(args[place]!));
      if (inSecond.every(Boolean)) return other(...args);
      return inSecond.includes(true) ? EXDEV : call(...args);
    };
  }
  joined.fd_renumber = (from: number, to: number) => {
    const owner = [first, second].find((each) => each.has(from));
    const replaced = [first, second].find((each) => each.has(to));
    if (owner === undefined || replaced === undefined) return EBADF;
    if (from !== to) {
      replaced.close(to);
      owner.renumber(from, to);
    }
    return SUCCESS;
  };
  return joined;
}
