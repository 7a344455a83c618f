// The outside tools that check profiles: protobufjs with profile.proto, and `go tool pprof`.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import type { HeapProfile } from '../../src/profile/index.ts';

export interface DecodedProfile {
  sampleType: { type: string; unit: string }[];
  sample: { locationId: number[]; value: number[]; label: DecodedLabel[] }[];
  mapping: Record<string, unknown>[];
  location: {
    id: number;
    mappingId: number;
    address: number;
    line: { functionId: number; line: number; column: number }[];
  }[];
  function: { id: number; name: string; systemName: string; filename: string; startLine: number }[];
  comment: string[];
  dropFrames: string;
  keepFrames: string;
  defaultSampleType: string;
  periodType: { type: string; unit: string } | null;
  period: number;
  timeNanos: number;
  durationNanos: number;
}

export interface DecodedLabel {
  key: string;
  str: string;
  num: number;
  numUnit: string;
}

const schema = protobuf.loadSync(fileURLToPath(new URL('profile.proto', import.meta.url)));
const ProfileMessage = schema.lookupType('perftools.profiles.Profile');

/** The profile as an independent implementation reads it, with its strings filled in. */
export function protobufDecode(bytes: Uint8Array): DecodedProfile {
  const raw = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  const message = ProfileMessage.toObject(ProfileMessage.decode(raw), {
    longs: Number,
    defaults: true,
    arrays: true,
  }) as Record<string, unknown>;
  const strings = message.stringTable as string[];
  const named = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(named);
    if (typeof value !== 'object' || value === null) return value;
    const result: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      result[key] = STRING_FIELDS.has(key) && typeof inner === 'number' ? strings[inner] : named(inner);
    }
    return result;
  };
  const result = named(message) as Record<string, unknown>;
  result.comment = (message.comment as number[]).map((index) => strings[index]);
  return result as unknown as DecodedProfile;
}

const STRING_FIELDS = new Set([
  'type',
  'unit',
  'key',
  'str',
  'numUnit',
  'filename',
  'buildId',
  'name',
  'systemName',
  'dropFrames',
  'keepFrames',
  'defaultSampleType',
]);

/** A directory for the files of one test file. */
export class Workspace implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'heapline-profile-'));

  write(name: string, content: Uint8Array | string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }

  read(path: string): Uint8Array {
    return readFileSync(path);
  }

  /** The output of `go tool pprof`. The last arguments are files. */
  pprof(...args: string[]): string {
    return execFileSync('go', ['tool', 'pprof', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TZ: 'UTC', PPROF_TMPDIR: this.directory, PPROF_BINARY_PATH: this.directory },
    });
  }

  /** All rows of `-top` of a profile. */
  pprofTop(profile: HeapProfile | Uint8Array, ...args: string[]): string {
    const bytes = profile instanceof Uint8Array ? profile : profile.encode();
    const path = this.write('top.pb.gz', bytes);
    const text = this.pprof(
      '-top',
      '-nodefraction=0',
      '-edgefraction=0',
      '-nodecount=1000000',
      ...args,
      path,
    );
    return text.replace(/ +$/gm, '');
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
