// One suite for all toolchains: sandboxes of a library and of a program, well behaved or not.

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DisposedError,
  ExitError,
  type HeapFault,
  HeapFaultError,
  InvalidArgumentError,
  OutOfMemoryError,
  type Sandbox,
  StateError,
  TrapError,
} from '../../src/index.ts';
import { held, load, programPath, TOOLCHAINS, thrown } from '../support/guest-programs.ts';

const here = import.meta.filename;

describe.each(TOOLCHAINS)('a library compiled by %s', (toolchain) => {
  let lib: Sandbox;
  beforeEach(async () => {
    lib = await load(toolchain, 'library.c');
  });
  afterEach(() => lib.dispose());
  const call = (name: string, ...args: (number | bigint)[]): unknown => lib.exports[name]!(...args);

  test('offers its non-static functions, and they take and return every number type', () => {
    expect(Object.keys(lib.exports)).toEqual(expect.arrayContaining(['sum', 'wide', 'add', 'exhaust']));
    expect(Object.keys(lib.exports)).not.toContain('copy');
    expect(Object.keys(lib.exports)).not.toContain('malloc');
    expect(call('zero')).toBe(0);
    expect(call('sum', 2, 3)).toBe(5);
    expect(call('mean', 1, 2)).toBe(1.5);
    expect(call('wide', 2n ** 40n, 3)).toBe(3n * 2n ** 40n);
    expect(call('wide', 5, 3)).toBe(15n);
    expect(call('five', 1, 2, 3, 4, 5)).toBe(54321);
  });

  test('shows the same JavaScript however deep the C below it is', () => {
    function enter(depth: number, above: number): void {
      if (above > 0) enter(depth, above - 1);
      else call('sink', depth);
    }
    const depths = [2, 40, 80, 95, 99, 100, 101, 150, 1900, 2500];
    for (const above of [0, 30, 60]) {
      call('clear');
      for (const depth of depths) enter(depth, above);
      const stacks = Object.keys(held(lib)).filter((stack) => stack.endsWith(';copy'));
      const ofHost = stacks.map((stack) => stack.replace(/(;sink)+;add;copy$/, ''));
      expect(stacks).toHaveLength(depths.length);
      expect(new Set(ofHost).size).toBe(1);
      expect(ofHost[0]!.match(/\benter\b/g)).toHaveLength(above + 1);
      expect(ofHost[0]).not.toContain('truncated');
    }
  });

  test('says which toolchain compiled it, in its profiles too', () => {
    expect(lib.toolchain?.name).toBe(toolchain);
    expect(lib.heap.profile().toJSON().comments.join('\n')).toContain(toolchain);
  });

  test('counts each byte at the stack that allocated it', () => {
    const name = lib.heap.cstring('four');
    const before = lib.heap.stats();
    call('add', name);
    call('add', name);
    const frames = Object.entries(held(lib)).filter(([stack]) => stack.includes('add'));
    const c = frames.map(([stack, bytes]) => [stack.slice(stack.indexOf('add')), bytes]);
    expect(new Map(c as [string, number][])).toEqual(
      new Map([
        ['add', 16],
        ['add;copy', 10],
      ]),
    );
    const after = lib.heap.stats();
    expect(after.inUseObjects - before.inUseObjects).toBe(4);
    expect(after.inUseBytes - before.inUseBytes).toBe(26);
    call('clear');
    expect(lib.heap.stats().inUseBytes).toBe(before.inUseBytes);
    expect(lib.heap.stats().peakBytes).toBe(after.peakBytes);
  });

  test('writes and reads C strings in UTF-8, and blocks as bytes', () => {
    const pointer = lib.heap.cstring('grüße, 世界');
    expect(lib.heap.readCString(pointer)).toBe('grüße, 世界');
    lib.heap.bytes(pointer, 3).set([0x61, 0x62, 0]);
    expect(lib.heap.readCString(pointer)).toBe('ab');
    const grown = lib.heap.realloc(pointer, 100_000);
    expect(lib.heap.readCString(grown)).toBe('ab');
    lib.heap.free(grown);
    const zeros = lib.heap.calloc(10, 8);
    expect(lib.heap.bytes(zeros, 80).every((byte) => byte === 0)).toBe(true);
    lib.heap.free(zeros);
    lib.heap.free(0);
    expect(lib.heap.faults()).toEqual([]);
  });

  test('keeps views of its memory valid while the memory grows', () => {
    const text = lib.heap.cstring('stays');
    const before = lib.memory.buffer.byteLength;
    const large = lib.heap.malloc(20 * 2 ** 20);
    expect(lib.memory.buffer.byteLength).toBeGreaterThan(before);
    lib.heap.bytes(large, 20 * 2 ** 20).fill(7);
    expect(lib.heap.readCString(text)).toBe('stays');
    expect(lib.heap.stats().inUseBytes).toBeGreaterThanOrEqual(20 * 2 ** 20);
    expect(lib.heap.profile().toJSON().totals.inuse_space).toBe(lib.heap.stats().inUseBytes);
  });

  test('shows the JavaScript that led to an allocation, at its line in the source', () => {
    const marker = Error.prepareStackTrace;
    function allocateHere(): number {
      return lib.heap.malloc(4321);
    }
    allocateHere();
    expect(Error.prepareStackTrace).toBe(marker);
    const snapshot = lib.heap.snapshot();
    const index = snapshot.liveBytes.indexOf(4321);
    const frames = lib.heap.contextFrames(snapshot.node[index]!);
    expect(frames[0]).toMatchObject({ function: 'allocateHere', file: here, language: 'js' });
    const source = lineOf('return lib.heap.malloc(4321)');
    expect(frames[0]!.line).toBe(source);
    expect(frames.some((frame) => frame.file.includes('/src/'))).toBe(false);
    expect(frames.some((frame) => frame.file.startsWith('node:'))).toBe(false);
  });

  test('rejects wrong arguments instead of passing zeros', () => {
    expect(thrown(() => call('sum', 1))).toBeInstanceOf(InvalidArgumentError);
    expect(thrown(() => (lib.exports.sum as (...args: unknown[]) => unknown)(1, 'two'))).toBeInstanceOf(
      InvalidArgumentError,
    );
    expect(thrown(() => (lib.exports.add as (...args: unknown[]) => unknown)('name'))).toMatchObject({
      message: expect.stringContaining('heap.cstring'),
    });
    expect(
      thrown(() => (lib.exports.five as (...args: unknown[]) => unknown)(1, 2, null, 4, 5)),
    ).toBeInstanceOf(InvalidArgumentError);
    expect(thrown(() => call('wide', 1.5, 2))).toBeInstanceOf(InvalidArgumentError);
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 32, '8', null, undefined]) {
      expect(
        thrown(() => lib.heap.malloc(bad as number)),
        String(bad),
      ).toBeInstanceOf(InvalidArgumentError);
      expect(
        thrown(() => lib.heap.free(bad as number)),
        String(bad),
      ).toBeInstanceOf(InvalidArgumentError);
      expect(
        thrown(() => lib.heap.readCString(bad as number)),
        String(bad),
      ).toBeInstanceOf(InvalidArgumentError);
    }
    expect(thrown(() => lib.heap.readCString(0))).toBeInstanceOf(InvalidArgumentError);
    expect(thrown(() => lib.heap.readCString(0xfffffff0))).toBeInstanceOf(InvalidArgumentError);
    expect(thrown(() => lib.heap.bytes(0xfffffff0, 100))).toBeInstanceOf(InvalidArgumentError);
    expect(thrown(() => lib.heap.cstring(5 as unknown as string))).toBeInstanceOf(InvalidArgumentError);
    expect(thrown(() => lib.heap.cstring('nul\0inside'))).toBeInstanceOf(InvalidArgumentError);
    expect(thrown(() => lib.heap.profile({ kind: 'nonsense' as 'heap' }))).toBeInstanceOf(
      InvalidArgumentError,
    );
    const misspelt = thrown(() => lib.heap.profile({ knd: 'heap' } as never)) as InvalidArgumentError;
    expect(misspelt).toBeInstanceOf(InvalidArgumentError);
    expect(misspelt.message).toContain("has no option 'knd': did you mean 'kind'?");
    for (const options of [null, 'peak', { labels: { a: 5 } }, { labels: 'a' }, { kind: Symbol('heap') }]) {
      expect(thrown(() => lib.heap.profile(options as never))).toBeInstanceOf(InvalidArgumentError);
    }
    for (const path of [5, undefined]) {
      expect(thrown(() => lib.readFile(path as never))).toBeInstanceOf(InvalidArgumentError);
    }
    for (const pointer of ['x', undefined, null, 1.5, Number.NaN, 1n]) {
      expect(thrown(() => lib.heap.readCString(pointer as number))).toBeInstanceOf(InvalidArgumentError);
    }
  });

  test('turns a trap into an error with the C stack, and stays usable', () => {
    const name = lib.heap.cstring('x');
    const trapLine = lineOf('__builtin_trap()', programPath('library.c'));
    const error = thrown(() => call('trap', 5)) as TrapError;
    expect(error).toBeInstanceOf(TrapError);
    expect(error.code).toBe('HEAPLINE_TRAP');
    expect(error.cause).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(error.frames.map((frame) => frame.function)).toEqual([
      'fall',
      'fall',
      'fall',
      'fall',
      'fall',
      'fall',
      'trap',
    ]);
    expect(error.frames[0]).toMatchObject({ file: programPath('library.c'), line: trapLine });
    expect(error.frames.every((frame) => frame.language === 'c')).toBe(true);
    expect(error.message).toContain(`library.c:${trapLine}`);
    expect(call('sum', 1, 1)).toBe(2);
    call('add', name);
    expect(
      Object.keys(held(lib)).some((stack) => stack.endsWith('add;copy') && !stack.includes('trap')),
    ).toBe(true);
  });

  test.each([
    ['wreck_and_take', 'malloc', 'take'],
    ['wreck_and_give', 'free', 'give'],
  ])('names who called the allocator when it traps on ruined data: %s', async (entry, family, caller) => {
    using ruined = await load(toolchain, 'wreck.c');
    const error = thrown(() => ruined.exports[entry]!()) as TrapError;
    expect(error).toBeInstanceOf(TrapError);
    expect(error.message.split('\n')[0]).toContain(`trapped in ${family}(), called by ${caller}(): `);
    const [called] = error.frames.filter((frame) => frame.file === programPath('wreck.c'));
    const line = lineOf(family === 'malloc' ? 'malloc(size)' : 'free(block)', programPath('wreck.c'));
    expect(called).toMatchObject({ function: caller, line });
  });

  test('keeps the ledger right through a hundred traps', () => {
    const contexts: number[] = [];
    for (let i = 0; i < 100; i++) {
      expect(thrown(() => call('trap_after', 2))).toBeInstanceOf(TrapError);
      contexts.push(lib.heap.stats().contexts);
    }
    expect(call('count')).toBe(200);
    expect(contexts[99]).toBe(contexts[1]);
    expect(thrown(() => call('out_of_bounds'))).toBeInstanceOf(TrapError);
    call('clear');
    expect(call('count')).toBe(0);
    expect(lib.heap.faults()).toEqual([]);
  });

  test('reports exit() in a called function as an error with the status', () => {
    const error = thrown(() => call('leave', 9)) as ExitError;
    expect(error).toBeInstanceOf(ExitError);
    expect(error.exitCode).toBe(9);
    expect(call('sum', 1, 1)).toBe(2);
  });

  test('records heap faults with three stacks and ignores the call', () => {
    call('free_twice');
    call('free_inside');
    const [twice, inside] = lib.heap.faults();
    expect(twice!.kind).toBe('double-free');
    expect(twice!.block!.size).toBeGreaterThanOrEqual(24);
    for (const stack of [twice!.frames, twice!.allocatedAt, twice!.freedAt]) {
      expect(stack?.[0]).toMatchObject({ function: 'free_twice', file: programPath('library.c') });
    }
    expect(twice!.frames[0]!.line).toBe(twice!.freedAt![0]!.line + 1);
    expect(twice!.allocatedAt![0]!.line).toBe(twice!.freedAt![0]!.line - 1);
    expect(inside).toMatchObject({ kind: 'interior-free', freedAt: null, block: { size: 24 } });
    expect(lib.heap.stats().faults).toBe(2);
  });

  test('uses all of its memory and frees it again', async () => {
    const small = await load(toolchain, 'library.c', { maxMemory: 32 * 2 ** 20 });
    const blocks = small.exports.exhaust!(64 * 1024) as number;
    expect(blocks).toBeGreaterThan(300);
    expect(blocks).toBeLessThan(512);
    expect(small.exports.take!(2 ** 26)).toBe(0);
    const error = thrown(() => small.heap.malloc(2 ** 26));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(small.heap.stats().failedAllocations).toBeGreaterThanOrEqual(3);
    expect(small.memory.buffer.byteLength).toBeLessThanOrEqual(32 * 2 ** 20);
    // The contexts seen meanwhile need a page of metadata, which may cost one block of 16 pages.
    expect(small.exports.exhaust!(64 * 1024)).toBeGreaterThanOrEqual(blocks - 1);
    const kept = small.heap.realloc(small.heap.cstring('kept'), 5);
    expect(thrown(() => small.heap.realloc(kept, 2 ** 27))).toBeInstanceOf(OutOfMemoryError);
    expect(small.heap.readCString(kept)).toBe('kept');
    small.dispose();
  });

  test('survives endless recursion', () => {
    expect(call('dig', 3000)).toBe(3001);
    expect(call('count')).toBe(1);
    expect(Object.keys(held(lib)).some((stack) => stack.includes('dig;'.repeat(3001)))).toBe(true);
    const error = thrown(() => call('dig', 100_000_000)) as TrapError;
    expect(error).toBeInstanceOf(TrapError);
    expect(error.message).toMatch(/recursion too deep|stack overflow/);
    expect(call('dig', 3)).toBe(4);
    expect(Object.keys(held(lib)).some((stack) => /(^|;)dig;dig;dig;dig;add$/.test(stack))).toBe(true);
    call('clear');
    expect(lib.heap.faults()).toEqual([]);
  });

  test('rejects every use after dispose(), disposed once or twice', () => {
    const pointer = lib.heap.malloc(8);
    lib.dispose();
    lib.dispose();
    lib[Symbol.dispose]();
    expect(lib.disposed).toBe(true);
    for (const use of [
      () => call('sum', 1, 2),
      () => call('wide', 1n, 2),
      () => lib.heap.malloc(8),
      () => lib.heap.free(pointer),
      () => lib.heap.stats(),
      () => lib.heap.profile(),
      () => lib.heap.snapshot(),
      () => lib.heap.faults(),
      () => lib.heap.readCString(pointer),
      () => lib.heap.bytes(pointer, 1),
      () => lib.memory,
      () => lib.run(),
      () => lib.readFile('/x'),
    ]) {
      expect(thrown(use), String(use)).toBeInstanceOf(DisposedError);
    }
  });

  test('has no main to run', () => {
    expect(lib.hasMain).toBe(false);
    expect(thrown(() => lib.run())).toBeInstanceOf(StateError);
  });

  test('is independent of other sandboxes of the same source', async () => {
    const others = await Promise.all(Array.from({ length: 10 }, () => load(toolchain, 'library.c')));
    others.forEach((other, i) => {
      for (let n = 0; n < i; n++) other.exports.add!(other.heap.cstring(`${n}`));
    });
    expect(thrown(() => others[9]!.exports.trap!(1))).toBeInstanceOf(TrapError);
    expect(others.map((other) => other.exports.count!())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(call('count')).toBe(0);
    for (const other of others) other.dispose();
    expect(call('sum', 2, 2)).toBe(4);
  });

  test('throws for a bad realloc of the host, because there is no block to return, and says what is wrong with the pointer', () => {
    const block = lib.heap.malloc(24);
    lib.heap.free(block);
    for (const [pointer, kind] of [
      [block, 'realloc-freed'],
      [12, 'realloc-foreign'],
    ] as const) {
      for (const size of [100, 0]) {
        const error = thrown(() => lib.heap.realloc(pointer, size)) as HeapFaultError;
        expect(error).toBeInstanceOf(HeapFaultError);
        expect(error).toMatchObject({ kind, address: pointer });
      }
    }
    expect(lib.heap.faults().map(({ kind }) => kind)).toEqual([
      'realloc-freed',
      'realloc-freed',
      'realloc-foreign',
      'realloc-foreign',
    ]);
    // The call adds another heap fault.
    lib.heap.free(12);
    expect(thrown(() => lib.heap.realloc(lib.heap.malloc(8), 2 ** 32 - 1))).toBeInstanceOf(OutOfMemoryError);
    expect(lib.heap.realloc(0, 8)).toBeGreaterThan(0);
  });

  test('throws the same error for a bad realloc of the host when it is to stop at heap faults', async () => {
    using strict = await load(toolchain, 'library.c', { onError: 'throw' });
    const error = thrown(() => strict.heap.realloc(12, 8)) as HeapFaultError;
    expect(error).toBeInstanceOf(HeapFaultError);
    expect(error).toMatchObject({ kind: 'realloc-foreign', address: 12 });
    expect(thrown(() => strict.heap.free(12))).toBeInstanceOf(HeapFaultError);
    expect(strict.heap.stats().faults).toBe(2);
  });

  test('has no place for a free by JavaScript, whose stack was not captured', async () => {
    const strict = await load(toolchain, 'library.c', { onError: 'throw' });
    const block = strict.heap.malloc(8);
    strict.heap.free(block);
    const error = thrown(() => strict.heap.realloc(block, 16)) as HeapFaultError;
    expect(error).toBeInstanceOf(HeapFaultError);
    expect(error.freedAt).toBeNull();
    expect(error.allocatedAt).not.toHaveLength(0);
    expect(error.message).not.toContain('freed first');
    strict.dispose();
  });

  test('stops at a heap fault when it is to', async () => {
    const seen: string[] = [];
    const strict = await load(toolchain, 'library.c', {
      onError: 'throw',
      onFault: (fault) => seen.push(fault.kind),
    });
    const error = thrown(() => strict.exports.free_twice!()) as HeapFaultError;
    expect(error).toBeInstanceOf(HeapFaultError);
    expect(error).toMatchObject({ kind: 'double-free' });
    expect(error.message).toMatch(/freed twice[\s\S]*free_twice[\s\S]*allocated[\s\S]*freed first/);
    expect(error.allocatedAt?.[0]?.function).toBe('free_twice');
    expect(error.freedAt?.[0]?.function).toBe('free_twice');
    expect(seen).toEqual(['double-free']);
    expect(strict.exports.sum!(1, 2)).toBe(3);
    strict.dispose();
  });
});

describe.each(TOOLCHAINS)('a program compiled by %s', (toolchain) => {
  const options = {
    args: ['one', 'two words'],
    env: { NAME: 'value' },
    stdin: 'typed\n',
    files: { '/in.txt': 'line 1\nline 2\n' },
  };

  test('sees its arguments, environment, input and files, and nothing else of the host', async () => {
    using program = await load(toolchain, 'program.c', options);
    expect(program.hasMain).toBe(true);
    const { exitCode, stdout, stderr } = program.run();
    expect(stdout).toBe(
      'program: 2 arguments [one] [two words]\nNAME=value HOME=(none) PATH=(none)\nfile: line 1\nfile: line 2\n' +
        'typed\npasswd: refused\nno newlinetorn down\n',
    );
    expect(stderr).toBe('warning\n');
    expect(exitCode).toBe(3);
    expect(Buffer.from(program.readFile('/made.txt')!).toString()).toBe('by C');
  });

  test('asks for its input when it reads', async () => {
    const pieces = ['ty', 'ped\nand more'];
    const stdin = () => (pieces.length === 0 ? null : Buffer.from(pieces.shift()!));
    using program = await load(toolchain, 'program.c', { ...options, stdin });
    expect(program.run().stdout).toContain('\ntyped\n');
    expect(pieces).toEqual([]);
  });

  test('cannot be entered from the functions that it reads and writes through, but can be looked at', async () => {
    const errors = new Map<string, unknown>();
    const from = (where: string) => () => {
      errors.set(
        where,
        thrown(() => program.heap.malloc(1)),
      );
      expect(program.heap.stats().inUseObjects).toBeGreaterThan(0);
      program.heap.profile();
      return null;
    };
    const listeners = { stdin: from('stdin'), onStdout: from('onStdout'), onStderr: from('onStderr') };
    using program = await load(toolchain, 'program.c', { ...options, ...listeners });
    program.run();
    expect([...errors.keys()].sort()).toEqual(['onStderr', 'onStdout', 'stdin']);
    for (const error of errors.values()) {
      expect(error).toBeInstanceOf(StateError);
      expect((error as Error).message).toMatch(
        /^malloc\(\) cannot be called from onStdout, onStderr or stdin/,
      );
    }
    program.heap.free(program.heap.malloc(1));
  });

  test('is profiled at the moment main returns, before the atexit functions run', async () => {
    using program = await load(toolchain, 'program.c');
    program.run();
    const stacks = Object.entries(held(program)).filter(([stack]) => stack.includes('hold'));
    expect(stacks.map(([, bytes]) => bytes).reduce((a, b) => a + b)).toBe(1300);
    expect(program.heap.stats().inUseBytes).toBeGreaterThanOrEqual(1300);
    expect(program.heap.profile().toJSON().totals.inuse_space).toBe(program.heap.stats().inUseBytes);
    // Once the heap changes again, the profile shows the present.
    program.heap.malloc(50);
    const now = Object.entries(held(program)).filter(([stack]) => stack.includes('hold'));
    expect(now.map(([, bytes]) => bytes).reduce((a, b) => a + b)).toBe(1000);
  });

  test('is profiled at the moment it calls exit', async () => {
    using program = await load(toolchain, 'program.c', { args: ['exit'] });
    const { exitCode, stdout } = program.run();
    expect(exitCode).toBe(5);
    expect(stdout).toMatch(/no newlinetorn down\n$/);
    const stacks = Object.entries(held(program)).filter(([stack]) => stack.includes('hold'));
    expect(stacks.map(([, bytes]) => bytes).reduce((a, b) => a + b)).toBe(1300);
  });

  test.each(['trap', 'abort'])('that dies of %s keeps its output and its ledger', async (how) => {
    using program = await load(toolchain, 'program.c', { args: [how] });
    const error = thrown(() => program.run()) as TrapError;
    expect(error).toBeInstanceOf(TrapError);
    expect(error.frames.map((frame) => frame.function)).toContain('main');
    expect(program.stdout).toMatch(/passwd: refused\nno newline$/);
    const stacks = Object.entries(held(program)).filter(([stack]) => stack.includes('hold'));
    expect(stacks.map(([, bytes]) => bytes).reduce((a, b) => a + b)).toBe(1300);
    expect(thrown(() => program.run())).toBeInstanceOf(StateError);
  });

  test('runs once', async () => {
    using program = await load(toolchain, 'program.c');
    program.run();
    expect(thrown(() => program.run())).toBeInstanceOf(StateError);
  });

  test('passes its output on while it runs', async () => {
    let heard = '';
    using program = await load(toolchain, 'program.c', {
      onStdout: (bytes) => {
        heard += Buffer.from(bytes).toString();
      },
    });
    expect(program.run().stdout).toBe(heard);
  });

  test('leaves this process unchanged', async () => {
    const events = ['uncaughtException', 'unhandledRejection', 'exit', 'SIGINT'];
    const before = events.map((event) => process.listenerCount(event));
    const exitCode = process.exitCode;
    using program = await load(toolchain, 'program.c', { args: ['exit'] });
    program.run();
    expect(events.map((event) => process.listenerCount(event))).toEqual(before);
    expect(process.exitCode).toBe(exitCode);
  });
});

describe.each(TOOLCHAINS)('a constructor compiled by %s', (toolchain) => {
  const rejection = (define: string): Promise<unknown> =>
    load(toolchain, 'constructor.c', { define: { [define]: true } }).then(
      () => null,
      (error: unknown) => error,
    );

  test('that traps makes loading fail with a TrapError and its stack', async () => {
    const error = await rejection('TRAP');
    expect(error).toBeInstanceOf(TrapError);
    expect((error as TrapError).frames[0]).toMatchObject({ function: 'begin', line: 9 });
  });

  test('that ends the program makes loading fail with an ExitError', async () => {
    const error = await rejection('EXIT');
    expect(error).toBeInstanceOf(ExitError);
    expect((error as ExitError).exitCode).toBe(4);
  });

  test('that frees badly is reported like any other function', async () => {
    const seen: HeapFault[] = [];
    const options = {
      define: { FREE_TWICE: true },
      onFault: (fault: HeapFault) => seen.push(fault),
    } as const;
    using lib = await load(toolchain, 'constructor.c', options);
    expect(lib.exports.holds!()).toBe(1);
    expect(seen).toEqual(lib.heap.faults());
    expect(seen.map(({ kind }) => kind)).toEqual(['double-free']);
    expect(seen[0]!.frames[0]).toMatchObject({ function: 'begin', line: 16 });
    expect(seen[0]!.freedAt![0]).toMatchObject({ function: 'begin', line: 15 });

    const error = await load(toolchain, 'constructor.c', { ...options, onError: 'throw' }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(HeapFaultError);
    expect((error as HeapFaultError).frames[0]).toMatchObject({ function: 'begin', line: 16 });
    expect(seen.length).toBe(2);
  });

  test('passes on an error that onFault throws', async () => {
    const options = {
      define: { FREE_TWICE: true },
      onFault() {
        throw new RangeError('enough');
      },
    } as const;
    await expect(load(toolchain, 'constructor.c', options)).rejects.toThrow(new RangeError('enough'));
  });
});

describe.each(TOOLCHAINS)('calls from C back into JavaScript, compiled by %s', (toolchain) => {
  test('give stacks that interleave both languages, each frame once', async () => {
    let lib: Sandbox;
    function callBack(depth: number): number {
      return depth === 0 ? (lib.exports.inner!(77) as number) : (lib.exports.outer!(depth - 1) as number);
    }
    function enter(): void {
      lib.exports.outer!(1);
    }
    lib = await load(toolchain, 'callback.c', { imports: { env: { host_call: callBack } } });
    enter();
    const stacks = Object.entries(held(lib)).map(([stack, bytes]) => [
      stack.slice(stack.indexOf('enter')),
      bytes,
    ]);
    expect(Object.fromEntries(stacks)).toEqual({
      'enter;outer;keep': 30,
      'enter;outer;callBack;outer;keep': 30,
      'enter;outer;callBack;outer;callBack;inner;keep': 77,
    });
    lib.dispose();
  });

  test('are all in the stack even if nothing was allocated on the way', async () => {
    let lib: Sandbox;
    function callBack(depth: number): number {
      return depth === 0 ? (lib.exports.inner!(77) as number) : (lib.exports.relay!(depth - 1) as number);
    }
    function enter(): void {
      lib.exports.relay!(2);
    }
    lib = await load(toolchain, 'callback.c', { imports: { env: { host_call: callBack } } });
    enter();
    const [stack] = Object.keys(held(lib));
    expect(stack!.slice(stack!.indexOf('enter'))).toBe(
      'enter;relay;callBack;relay;callBack;relay;callBack;inner;keep',
    );
    lib.dispose();
  });

  test('keep their lines when stacks are captured ahead, whatever the entry does this time', async () => {
    let lib: Sandbox;
    let nested = (): unknown => 0;
    function one(size: number, call = 0): void {
      lib.exports.choose!(size, call);
    }
    function other(size: number, call = 0): void {
      lib.exports.choose!(size, call);
    }
    lib = await load(toolchain, 'callback.c', { imports: { env: { host_call: () => nested() } } });
    for (let i = 0; i < 8; i++) one(1);
    for (let i = 0; i < 8; i++) other(i % 2);
    nested = function inside() {
      return lib.heap.malloc(3);
    };
    for (let i = 0; i < 8; i++) one(i % 2, 1);
    nested = function deeper() {
      return lib.exports.choose!(5, 0);
    };
    for (let i = 0; i < 8; i++) other(1, 1);
    const totals: Record<string, number> = {};
    for (const [stack, bytes] of Object.entries(held(lib))) {
      const own = stack
        .split(';')
        .filter((name) => /^(one|other|inside|deeper)$/.test(name))
        .join(';');
      totals[own] = (totals[own] ?? 0) + bytes;
    }
    expect(totals).toEqual({ one: 8 + 4, other: 4 + 8, 'one;inside': 24, 'other;deeper': 40 });
    lib.dispose();
  });

  test('show one host stack of every few when that is set, and lose no byte', async () => {
    const imports = { env: { host_call: () => 0 } };
    using lib = await load(toolchain, 'callback.c', { imports, hostFrames: { every: 8 } });
    function allocateHere(): void {
      lib.heap.malloc(10);
    }
    for (let i = 0; i < 800; i++) allocateHere();
    const stacks = Object.entries(held(lib));
    const sum = (list: typeof stacks): number => list.reduce((total, [, bytes]) => total + bytes, 0);
    const shown = sum(stacks.filter(([stack]) => stack.includes('allocateHere')));
    expect(sum(stacks)).toBe(8000);
    expect(shown).toBeGreaterThan(600);
    expect(shown).toBeLessThan(1600);
  });

  test('say where the budget of time for host stacks was used up, and lose no byte', async () => {
    const imports = { env: { host_call: () => 0 } };
    using lib = await load(toolchain, 'callback.c', { imports, hostFrames: { budget: 0.001 } });
    for (let i = 0; i < 2000; i++) lib.heap.malloc(10);
    const stacks = Object.entries(held(lib));
    const sum = (list: typeof stacks): number => list.reduce((total, [, bytes]) => total + bytes, 0);
    expect(sum(stacks)).toBe(20_000);
    expect(sum(stacks.filter(([stack]) => stack.includes('[JavaScript not captured]')))).toBeGreaterThan(
      10_000,
    );
  });

  test('let JavaScript errors through unchanged', async () => {
    const failure = new RangeError('from the host');
    using lib = await load(toolchain, 'callback.c', {
      imports: {
        env: {
          host_call() {
            throw failure;
          },
        },
      },
    });
    expect(thrown(() => lib.exports.outer!(0))).toBe(failure);
    expect(lib.exports.inner!(5)).toBe(1);
    expect(
      Object.keys(held(lib)).some((stack) => stack.includes('outer') && stack.endsWith('inner;keep')),
    ).toBe(false);
  });

  test('leave both stacks as they were when a nested call fails and the host goes on', async () => {
    let lib: Sandbox;
    const reasons = new Set<string>();
    function callBack(): number {
      const error = thrown(() => lib.exports.crash!(1)) as TrapError;
      reasons.add(error.message.split('\n')[0]!);
      return lib.exports.inner!(1) as number;
    }
    lib = await load(toolchain, 'callback.c', { imports: { env: { host_call: callBack } } });
    // More than the C stack of 1 MiB would take.
    expect(lib.exports.repeat!(1000) as number).toBe(1000);
    expect([...reasons]).toEqual([expect.stringContaining('unreachable')]);
    const stacks = Object.entries(held(lib));
    expect(stacks).toHaveLength(1);
    expect(stacks[0]![0]).toMatch(/repeat;callBack;inner;keep$/);
    lib.dispose();
  });

  test('cost no capture when nothing is allocated, and hide the host when that is set', async () => {
    using lib = await load(toolchain, 'callback.c', {
      hostFrames: 'off',
      imports: { env: { host_call: () => 1 } },
    });
    lib.exports.outer!(0);
    expect(Object.keys(held(lib))).toEqual(['outer;keep']);
  });
});

test("calls that go through Emscripten's JavaScript keep the stack of the entry further out", async () => {
  let lib: Sandbox;
  function callBack(depth: number): number {
    return depth === 0 ? (lib.exports.keep!(55) as number) : (lib.exports.guarded!(depth - 1) as number);
  }
  function enter(): void {
    lib.exports.guarded!(2);
  }
  lib = await load('emscripten', 'exceptions.cc', {
    flags: ['-O1', '-fexceptions'],
    link: ['-fexceptions'],
    imports: { env: { host_call: callBack } },
  });
  enter();
  const [stack] = Object.keys(held(lib));
  expect(stack!.slice(stack!.indexOf('enter'))).toBe(
    'enter;guarded;relay;callBack;guarded;relay;callBack;guarded;relay;callBack;keep',
  );
  lib.dispose();
});

describe("a C++ exception of Emscripten's that nothing catches", () => {
  const imports = { env: { host_call: (value: number) => raise(value) } };
  const raise = (value: number): never => {
    throw value;
  };

  test('is a TrapError with the stack where it was thrown, and says what catching takes', async () => {
    using lib = await load('emscripten', 'exceptions.cc', { imports });
    for (const name of ['fail', 'recover']) {
      const error = thrown(() => lib.exports[name]!(5)) as TrapError;
      expect(error).toBeInstanceOf(TrapError);
      expect(error.message).toMatch(
        new RegExp(`^${name}\\(\\) threw int, which nothing .* caught: 5\n .* -fexceptions\n +at fail `),
      );
      expect(error.frames.map((frame) => frame.function)).toEqual(
        name === 'fail' ? ['fail'] : ['fail', 'recover'],
      );
      expect(error.frames[0]).toMatchObject({ file: programPath('exceptions.cc'), line: 22 });
    }
    // The exception itself has been freed.
    expect(Object.entries(held(lib)).find(([stack]) => stack.endsWith('fail'))).toEqual([
      expect.stringMatching(/;fail$/),
      7,
    ]);
    expect(lib.heap.leaks().notes.join()).not.toContain('active');
  });

  test('is an error with its type when it could have been caught, too', async () => {
    using lib = await load('emscripten', 'exceptions.cc', {
      flags: ['-O1', '-fexceptions'],
      link: ['-fexceptions'],
      imports,
    });
    expect(lib.exports.recover!(5)).toBe(5);
    const error = thrown(() => lib.exports.fail!(5)) as TrapError;
    expect(error).toBeInstanceOf(TrapError);
    expect(error.message).toBe('fail() threw int, which nothing in the guest caught: 5');
  });

  test("is not confused with what the caller's own functions throw, even if that is a number", async () => {
    using lib = await load('emscripten', 'exceptions.cc', { imports });
    expect(thrown(() => lib.exports.guarded!(5))).toBe(5);
  });
});

test.each(TOOLCHAINS)(
  "a call for which there is no room on the engine's stack changes nothing (%s)",
  async (toolchain) => {
    const limit = Error.stackTraceLimit;
    // Frames of several sizes, so that the engine's stack ends in any of the steps of a call.
    for (let size = 0; size < 24; size++) {
      const lib = await load(toolchain, 'library.c');
      const calls = [
        () => lib.exports.zero!(),
        () => lib.exports.five!(1, 2, 3, 4, 5),
        () => lib.exports.sum!(1, 2),
      ];
      const call = calls[size % calls.length]!;
      const variables = Array.from({ length: size + 1 }, (_, i) => `a${i} = ${i}`).join(', ');
      const deeper = new Function(
        'call',
        'self',
        `let ${variables}; try { self(call, self); } catch {} try { call(); } catch {} return a0;`,
      );
      try {
        deeper(call, deeper);
      } catch {
        // There is no room for the outermost try, either.
      }
      expect(Error.stackTraceLimit).toBe(limit);
      expect(lib.heap.leaks().notes.join()).not.toContain('active');
      lib.dispose();
    }
  },
);

// The position of a text in a file on the disk, because the runner transforms the loaded file.
function lineOf(text: string, file = here): number {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.findIndex((line) => line.includes(text) && !line.includes('lineOf')) + 1;
}
