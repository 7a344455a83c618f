// The writer behind HeapProfile.html(). The entry for Node.js installs it: pages need files of the package and the
// sources on the disk. Its code is loaded when the first page is written.

import { PlatformError } from '../errors.ts';
import type { HeapProfile } from './heap-profile.ts';

/** What a page of a profile shows besides it. */
export interface HtmlOptions {
  /** Title of the page. By default the name of the module. */
  readonly title?: string;
  /** An earlier profile with the same sample types: the page shows what has changed since then. */
  readonly base?: HeapProfile;
  /** Put the texts of the source files that the profile names into the page. Default true. */
  readonly sources?: boolean;
  /** Folder at which relative paths of source files begin. Default: the current directory. */
  readonly root?: string;
}

/** Writes the page of a profile. */
export type PageWriter = (profile: HeapProfile, options: HtmlOptions) => Promise<string>;

let installed: PageWriter | null = null;

/** Installs the writer that HeapProfile.html() uses from now on. */
export function usePageWriter(writer: PageWriter): void {
  installed = writer;
}

/** The installed writer. */
export function pageWriter(): PageWriter {
  if (installed !== null) return installed;
  throw new PlatformError(
    'Pages are written by the entry heapline in Node.js. Save the profile (profile.encode()) and run: heapline view FILE',
  );
}
