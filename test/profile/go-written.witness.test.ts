// A profile that another program wrote: the test compiles a Go program, and Heapline and pprof read its heap profile.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeapProfile } from '../../src/profile/index.ts';
import { protobufDecode, Workspace } from '../support/profile-oracles.ts';

const PROGRAM = `
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
)

var kept [][]byte

//go:noinline
func keep(n int) { kept = append(kept, make([]byte, n)) }

func waste(n int) {
	for i := 0; i < n; i++ {
		_ = string(make([]byte, 3000+i))
	}
}

func main() {
	runtime.MemProfileRate = 1
	for i := 0; i < 50; i++ {
		keep(1000 + i)
	}
	waste(20)
	runtime.GC()
	pprof.Lookup("heap").WriteTo(os.Stdout, 0)
}
`;

const CPU_PROGRAM = `
package main

import (
	"os"
	"runtime/pprof"
)

func main() {
	pprof.StartCPUProfile(os.Stdout)
	pprof.StopCPUProfile()
}
`;

const workspace = new Workspace();
let bytes: Uint8Array;

function goRun(name: string, source: string): Uint8Array {
  const cache = join(workspace.directory, 'cache');
  mkdirSync(cache, { recursive: true });
  const path = workspace.write(`${name}.go`, source);
  const env = { ...process.env, GOCACHE: process.env.GOCACHE ?? '', GO111MODULE: 'off', GOFLAGS: '' };
  if (env.GOCACHE === '') env.GOCACHE = cache;
  return execFileSync('go', ['run', path], { env, maxBuffer: 1 << 26 });
}

beforeAll(() => {
  bytes = goRun('heap', PROGRAM);
});

afterAll(() => workspace.dispose());

describe('a heap profile written by Go', () => {
  it('is read with all its samples and totals', () => {
    const profile = HeapProfile.decode(bytes);
    const expected = protobufDecode(bytes);
    expect(profile.kind).toBe('heap');
    expect(profile.defaultSampleType).toBe('inuse_space');
    expect(profile.sampleCount).toBe(expected.sample.length);
    for (const [i, { type }] of expected.sampleType.entries()) {
      expect(profile.total(type)).toBe(expected.sample.reduce((sum, { value }) => sum + value[i]!, 0));
    }
    expect(profile.topRows().find((row) => row.function === 'main.keep')).toMatchObject({
      flatObjects: expect.any(Number),
    });
  });

  it('gives the same tables as pprof, by function and by line, of every sample type', () => {
    const profile = HeapProfile.decode(bytes);
    for (const granularity of ['functions', 'lines'] as const) {
      for (const { type } of profile.sampleTypes) {
        expect(profile.top({ granularity, sampleType: type, objects: false })).toBe(
          workspace.pprofTop(bytes, `-${granularity}`, `-sample_index=${type}`),
        );
      }
    }
  });

  it('is written again without loss', () => {
    const before = protobufDecode(bytes);
    const after = protobufDecode(HeapProfile.decode(bytes).encode());
    expect(after.sampleType).toEqual(before.sampleType);
    expect(after.sample.map(({ value }) => value)).toEqual(before.sample.map(({ value }) => value));
    expect(after.sample.map(({ label }) => label)).toEqual(before.sample.map(({ label }) => label));
    expect(after.mapping).toEqual(before.mapping);
    expect(after.timeNanos).toBe(before.timeNanos);
    expect(after.period).toBe(before.period);
  });

  it('is read without gzip, too', () => {
    expect(HeapProfile.decode(gunzipSync(bytes)).folded()).toBe(HeapProfile.decode(bytes).folded());
  });

  it('is distinguished from a CPU profile', () => {
    expect(() => HeapProfile.decode(goRun('cpu', CPU_PROGRAM))).toThrow(
      /not a heap profile.*cpu\/nanoseconds/,
    );
  });
});
