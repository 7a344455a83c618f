// Hands a profile to the person at the browser, as a file for any reader of pprof.

import { InvalidArgumentError, PlatformError } from '../errors.ts';
import { textNotEmpty } from '../options/option-rules.ts';
import { type OptionTable, readOptions } from '../options/option-table.ts';
import { HeapProfile } from '../profile/index.ts';
import { Sandbox } from '../sandbox/index.ts';

/** Options of downloadProfile(). */
export interface DownloadOptions {
  /** Name of the file. Default: the sandbox's name with the ending `.pb.gz`; `heap.pb.gz` for a profile. */
  readonly fileName?: string;
}

const DOWNLOAD_OPTIONS = { fileName: textNotEmpty() } satisfies OptionTable<DownloadOptions>;

/** Milliseconds that the browser has to read the file. */
const READING_TIME = 60_000;

/**
 * Downloads a profile as a `.pb.gz` file, which `go tool pprof`, speedscope and others read.
 * @param source a sandbox, whose heap is profiled now; a profile; or the bytes of one, from a worker for example
 */
export function downloadProfile(
  source: Sandbox<object> | HeapProfile | Uint8Array<ArrayBuffer>,
  options: DownloadOptions = {},
): void {
  const { fileName = nameFor(source) } = readOptions('downloadProfile', options, DOWNLOAD_OPTIONS);
  const bytes = bytesOf(source);
  if (typeof document === 'undefined') {
    throw new PlatformError(
      'downloadProfile() needs a page, and this is a worker: post profile.encode() to the page, and give it the bytes.',
    );
  }
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/gzip' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), READING_TIME);
}

function nameFor(source: unknown): string {
  return source instanceof Sandbox ? `${source.name.replace(/\.\w+$/, '')}.pb.gz` : 'heap.pb.gz';
}

function bytesOf(source: unknown): Uint8Array<ArrayBuffer> {
  if (source instanceof Uint8Array) return source as Uint8Array<ArrayBuffer>;
  if (source instanceof HeapProfile) return source.encode() as Uint8Array<ArrayBuffer>;
  if (source instanceof Sandbox) return source.heap.profile().encode() as Uint8Array<ArrayBuffer>;
  throw new InvalidArgumentError(
    'source',
    'downloadProfile() takes a sandbox, a HeapProfile, or the bytes of a profile.',
  );
}
