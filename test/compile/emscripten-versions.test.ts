// Tests the knowledge about Emscripten's versions with recorded output of emcc, recorded layouts of installations and the
// resulting command lines. toolchains.guest.test.ts runs Emscripten itself; these tests do not need it.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkLinkFlags, linkFlags } from '../../src/compile/emscripten-settings.ts';
import {
  commandOf,
  cxxDriverOf,
  isSince,
  moduleOptions,
  readEmccVersion,
  versionIn,
} from '../../src/compile/emscripten-versions.ts';
import { findEmcc } from '../../src/compile/find-emcc.ts';
import { InvalidArgumentError } from '../../src/errors.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-versions-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

function write(name: string, text = ''): string {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

describe('the version', () => {
  it.each([
    [
      'emcc (Emscripten gcc/clang-like replacement + linker emulating GNU ld) 3.1.6 ()\nCopyright (C) 2014',
      '3.1.6',
    ],
    ['emcc (Emscripten gcc/clang-like replacement + linker emulating GNU ld) 3.1.69 ()\n', '3.1.69'],
    [
      'emcc (Emscripten gcc/clang-like replacement + linker emulating GNU ld) 4.0.23 (65c7a1d4fc9b1d0a3f4d5d7b9a4bde4c0c0ef3d3)\n',
      '4.0.23',
    ],
    ['emcc (Emscripten gcc/clang-like replacement) 6.0.9-git (a04d0beef3)\n', '6.0.9'],
    ['"3.1.6"\n', '3.1.6'],
    ['6.0.5\n', '6.0.5'],
    ['6.0.9-git\n', '6.0.9'],
    ['no such file', null],
  ])('is read from %j', (text, version) => {
    expect(versionIn(text)).toBe(version);
  });

  it('is compared number by number, and an unknown one counts as the newest', () => {
    expect(isSince('3.1.6', '3.1.25')).toBe(false);
    expect(isSince('3.1.25', '3.1.25')).toBe(true);
    expect(isSince('3.1.100', '3.1.25')).toBe(true);
    expect(isSince('4.0.0', '3.1.25')).toBe(true);
    expect(isSince('3.9.0', '4.0.0')).toBe(false);
    expect(isSince('5.0.2', '5.0.2')).toBe(true);
    expect(isSince('10.0.0', '6.0.2')).toBe(true);
    expect(isSince(null, '99.0.0')).toBe(true);
  });
});

describe('an installation', () => {
  const never = (): string => {
    throw new Error('emcc was run');
  };

  it.each([
    ['the SDK', 'upstream/emscripten/emcc', 'upstream/emscripten/emscripten-version.txt'],
    ['Homebrew', 'bin/emcc', 'libexec/emscripten-version.txt'],
    ['a distribution', 'bin/emcc', 'share/emscripten/emscripten-version.txt'],
  ])('of %s is identified by its version file and not run', (_, emcc, file) => {
    const tool = write(emcc, '#!/bin/sh\n');
    write(file, '"4.0.23"\n');
    expect(readEmccVersion(tool, never).number).toBe('4.0.23');
  });

  it('is identified through a symbolic link', () => {
    write('share/emscripten/emcc', '#!/bin/sh\n');
    write('share/emscripten/emscripten-version.txt', '3.1.69\n');
    mkdirSync(path.join(directory, 'path'));
    symlinkSync(path.join(directory, 'share/emscripten/emcc'), path.join(directory, 'path/emcc'));
    expect(readEmccVersion(path.join(directory, 'path/emcc'), never).number).toBe('3.1.69');
  });

  it('has another identity when only its version has changed', () => {
    const tool = write('emcc', '#!/bin/sh\n');
    const identities = ['3.1.6', '3.1.69', '6.0.5'].map((version) => {
      const file = write('emscripten-version.txt', version);
      utimesSync(file, 1, 1);
      return readEmccVersion(tool, never).identity;
    });
    expect(new Set(identities).size).toBe(3);
    write('emscripten-version.txt', '3.1.6');
    utimesSync(path.join(directory, 'emscripten-version.txt'), 1, 1);
    expect(readEmccVersion(tool, never).identity).toBe(identities[0]);
  });

  it('without a version file is asked once', () => {
    const tool = write('shims/emcc', '#!/bin/sh\n');
    const ask = vi.fn(() => 'emcc (Emscripten gcc/clang-like replacement) 5.0.7 ()');
    expect(readEmccVersion(tool, ask).number).toBe('5.0.7');
    expect(readEmccVersion(tool, ask).number).toBe('5.0.7');
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('whose emcc prints nothing has no version number', () => {
    expect(readEmccVersion(write('silent/emcc'), () => '').number).toBeNull();
  });
});

describe('emcc', () => {
  it('is only the one that HEAPLINE_EMCC names', () => {
    const named = write('mine/emcc', '#!/bin/sh\n');
    vi.stubEnv('HEAPLINE_EMCC', named);
    vi.stubEnv('PATH', path.dirname(write('path/emcc', '#!/bin/sh\n')));
    expect(findEmcc()).toBe(named);
    vi.stubEnv('HEAPLINE_EMCC', path.join(directory, 'none'));
    expect(findEmcc()).toBeNull();
  });

  it('is found on PATH, then in the SDK, then as a Python program', () => {
    vi.stubEnv('HEAPLINE_EMCC', '');
    vi.stubEnv('EMSDK', path.join(directory, 'sdk'));
    vi.stubEnv('PATH', path.join(directory, 'path'));
    expect(findEmcc()).toBeNull();
    const program = write('sdk/upstream/emscripten/emcc.py');
    expect(findEmcc()).toBe(program);
    const launcher = write('sdk/upstream/emscripten/emcc');
    expect(findEmcc()).toBe(launcher);
    const onPath = write('path/emcc');
    expect(findEmcc()).toBe(onPath);
  });

  it.each(['emcc', 'emcc.bat', 'emcc.exe', 'emcc.py'])('has em++ beside %s', (name) => {
    const emcc = write(name);
    expect(cxxDriverOf(emcc)).toBe(emcc);
    const driver = write(name.replace('emcc', 'em++'));
    expect(cxxDriverOf(emcc)).toBe(driver);
  });

  it('is started by Python on Windows if it is a batch file', () => {
    vi.stubEnv('EMSDK_PYTHON', '');
    const batch = write('emcc.bat');
    expect(commandOf(batch, 'win32')).toEqual({ command: batch, before: [] });
    const program = write('emcc.py');
    expect(commandOf(batch, 'win32')).toEqual({ command: 'python', before: ['-E', program] });
    expect(commandOf(program, 'win32')).toEqual({ command: 'python', before: ['-E', program] });
    vi.stubEnv('EMSDK_PYTHON', 'C:\\Python\\python.exe');
    expect(commandOf(batch, 'win32').command).toBe('C:\\Python\\python.exe');
    const launcher = write('emcc.exe');
    expect(commandOf(launcher, 'win32')).toEqual({ command: launcher, before: [] });
    expect(commandOf(write('emcc'), 'linux')).toEqual({ command: path.join(directory, 'emcc'), before: [] });
    expect(commandOf(program, 'linux')).toEqual({ command: program, before: [] });
  });
});

describe('the link', () => {
  const lists = { EXPORTED_FUNCTIONS: ['_main', '_malloc'], EXPORTED_RUNTIME_METHODS: ['FS', 'ENV'] };
  const flagsOf = (version: string | null, ...link: string[]): string[] => {
    const { before, after } = linkFlags(version, link, lists);
    return [...before, ...after];
  };
  const VERSIONS = [
    '3.1.6',
    '3.1.24',
    '3.1.25',
    '3.1.55',
    '3.1.56',
    '3.1.69',
    '3.1.74',
    '4.0.0',
    '4.0.23',
    '5.0.1',
  ];
  const NEWER = ['5.0.2', '6.0.1', '6.0.2', '6.0.5', '6.0.6', '6.0.8', null];

  beforeEach(() => {
    vi.stubEnv('EMCC_CFLAGS', '');
    vi.stubEnv('EMCC_STRICT', '');
  });

  // The first version with each setting, and the first version after it without the setting.
  it.each([
    ['-sTOTAL_STACK=1048576', null, '3.1.25'],
    ['-sSTACK_SIZE=1048576', '3.1.25', null],
    ['-sINITIAL_HEAP=14680064', '3.1.56', null],
    ['-sWASM_BIGINT=1', null, '4.0.0'],
    ['-sNODEJS_CATCH_EXIT=0', null, '5.0.2'],
    ['-sNODEJS_CATCH_REJECTION=0', null, '5.0.2'],
    ['-sGROWABLE_ARRAYBUFFERS=0', '6.0.2', null],
    ['-sDEFAULT_TO_CXX=1', '6.0.6', null],
    ['-sMALLOC=none', null, null],
    ['-sMODULARIZE=1', null, null],
    ['-sALLOW_MEMORY_GROWTH=1', null, null],
    ['-sFORCE_FILESYSTEM=1', null, null],
    ['-sEXPORTED_RUNTIME_METHODS=FS,ENV', null, null],
    ['-sEXPORTED_FUNCTIONS=_main,_malloc', null, null],
  ])('has %s from %s until %s', (flag, first, end) => {
    for (const version of [...VERSIONS, ...NEWER]) {
      const expected =
        (first === null || isSince(version, first)) && !(end !== null && isSince(version, end));
      expect(flagsOf(version).includes(flag), `${version}`).toBe(expected);
    }
  });

  it('sets nothing twice, and no setting that the version warns about', () => {
    for (const version of [...VERSIONS, ...NEWER]) {
      const names = flagsOf(version).map((flag) => flag.split('=')[0]);
      expect(new Set(names).size).toBe(names.length);
    }
    expect(flagsOf('6.0.8').join()).not.toMatch(/WASM_BIGINT|NODEJS_CATCH|TOTAL_/);
  });

  it('passes the caller’s stack size under the name that the version knows', () => {
    for (const given of ['-sSTACK_SIZE=3MB', '-sTOTAL_STACK=3MB']) {
      expect(flagsOf('3.1.6', given)).toContain('-sTOTAL_STACK=3MB');
      expect(flagsOf('3.1.69', given)).toContain('-sSTACK_SIZE=3MB');
      for (const version of ['3.1.6', '3.1.69']) {
        expect(flagsOf(version, given).filter((flag) => /STACK_SIZE|TOTAL_STACK/.test(flag))).toHaveLength(1);
      }
    }
  });

  it('uses the caller’s memory settings', () => {
    expect(flagsOf('6.0.5', '-sTOTAL_MEMORY=64MB')).toContain('-sINITIAL_MEMORY=64MB');
    for (const given of ['-sINITIAL_MEMORY=64MB', '-sINITIAL_HEAP=64MB', '-sTOTAL_MEMORY=64MB']) {
      expect(flagsOf('6.0.5', given).filter((flag) => /INITIAL/.test(flag))).toHaveLength(1);
    }
    const fixed = flagsOf('6.0.5', '-sALLOW_MEMORY_GROWTH=0');
    expect(fixed).toContain('-sALLOW_MEMORY_GROWTH=0');
    expect(fixed).toContain('-sABORTING_MALLOC=0');
    expect(fixed).not.toContain('-sALLOW_MEMORY_GROWTH=1');
  });

  it.each([
    ['-sMODULARIZE=0'],
    ['-sMODULARIZE=instance'],
    ['-sENVIRONMENT=web'],
    ['-sFILESYSTEM=0'],
    ['-sWASM_BIGINT=0'],
    ['-sWASM_BIGINT'],
    ['-sNO_FILESYSTEM'],
    ['-sSINGLE_FILE'],
    ['-sEXPORT_ES6'],
    ['-sMALLOC=emmalloc'],
    ['-sEVAL_CTORS=2'],
    ['-O3'],
    ['-g0'],
    ['-gsource-map'],
    ['-gseparate-dwarf=x.wasm'],
    ['--closure=1'],
    ['-s', 'EXPORT_ES6=1'],
  ])('does not change with %s', (...given) => {
    for (const version of ['3.1.6', '6.0.8']) {
      expect(linkFlags(version, given, lists)).toEqual(linkFlags(version, [], lists));
    }
  });

  it.each([
    '-sASSERTIONS=2',
    '-sMAXIMUM_MEMORY=4GB',
    '-fwasm-exceptions',
    '-fexceptions',
    '-sSUPPORT_LONGJMP=wasm',
    '-lembind',
    '--pre-js=x.js',
    '/tmp/libz.a',
    '-Wl,--export=f',
  ])('passes %s on', (given) => {
    expect(linkFlags('6.0.8', [given], lists).before).toEqual([given]);
  });

  it.each([
    ['-sEXPORTED_RUNTIME_METHODS=UTF8ToString,ccall', 'EXPORTED_RUNTIME_METHODS=FS,ENV,UTF8ToString,ccall'],
    ['-sEXPORTED_RUNTIME_METHODS=["ccall", "FS"]', 'EXPORTED_RUNTIME_METHODS=FS,ENV,ccall'],
    ["-sEXTRA_EXPORTED_RUNTIME_METHODS=['ccall']", 'EXPORTED_RUNTIME_METHODS=FS,ENV,ccall'],
    ['-sEXPORTED_FUNCTIONS=_main,_sqlite3_open', 'EXPORTED_FUNCTIONS=_main,_malloc,_sqlite3_open'],
  ])('joins %s with its own', (given, joined) => {
    expect(linkFlags('3.1.69', [given], lists).after).toContain(`-s${joined}`);
    expect(linkFlags('3.1.69', [given], lists).before).toEqual([]);
  });

  it('joins a list from a file', () => {
    for (const text of ['_one\n_two\n', '["_one", "_two"]', '# mine\n_one,_two']) {
      const file = write('list', text);
      expect(flagsOf('6.0.5', `-sEXPORTED_FUNCTIONS=@${file}`)).toContain(
        '-sEXPORTED_FUNCTIONS=_main,_malloc,_one,_two',
      );
    }
    expect(() => flagsOf('6.0.5', `-sEXPORTED_FUNCTIONS=@${directory}/none`)).toThrow(InvalidArgumentError);
  });

  it('names the options of the module in strict mode, which allows no others', () => {
    const api = (version: string) => `-sINCOMING_MODULE_JS_API=${moduleOptions(version).join(',')}`;
    expect(flagsOf('6.0.5').join()).not.toContain('INCOMING');
    for (const version of ['3.1.64', '3.1.69']) {
      expect(flagsOf(version, '-sSTRICT')).toContain(api(version));
      expect(flagsOf(version, '-sSTRICT', '-sSTRICT=0').join()).not.toContain('INCOMING');
      expect(flagsOf(version, '-sINCOMING_MODULE_JS_API=monitorRunDependencies')).toContain(
        `${api(version)},monitorRunDependencies`,
      );
    }
    expect(moduleOptions('3.1.64')).toContain('quit');
    expect(moduleOptions('3.1.65')).not.toContain('quit');
    vi.stubEnv('EMCC_STRICT', '1');
    expect(flagsOf('6.0.5')).toContain(api('6.0.5'));
  });

  it('treats the flags of EMCC_CFLAGS like the caller’s', () => {
    vi.stubEnv('EMCC_CFLAGS', '-O3 -sSTACK_SIZE=2MB  -sMODULARIZE=0 "-DA=1 2" \'-lembind\'');
    const { before, after } = linkFlags('6.0.5', [], lists);
    expect(before).toEqual(['-sSTACK_SIZE=2MB', '-DA=1 2', '-lembind']);
    expect(after).toContain('-sMODULARIZE=1');
    vi.stubEnv('EMCC_CFLAGS', '-sWASM=0');
    expect(() => checkLinkFlags([])).toThrow(/-sWASM=0/);
    vi.stubEnv('EMCC_CFLAGS', '-O1 -fsanitize=address');
    expect(() => checkLinkFlags([])).toThrow(/`-fsanitize=address`.*allocator/);
  });

  it.each([
    ['-sWASM=0', /instead of WebAssembly/],
    ['-sWASM=2', /instead of WebAssembly/],
    ['-sSTANDALONE_WASM', /toolchain clang or embedded/],
    ['-sMINIMAL_RUNTIME=1', /takes no options/],
    ['-sWASMFS', /cannot provide files/],
    ['-sNODERAWFS=1', /`files`/],
    ['-sSAFE_HEAP=1', /Binaryen/],
    ['-sASYNCIFY', /suspended.*event loop/],
    ['-sASYNCIFY=2', /event loop/],
    ['-sJSPI=1', /one C stack.*event loop/],
    ['--proxy-to-worker', /in a browser/],
  ])('rejects %s with the reason', (given, reason) => {
    expect(() => checkLinkFlags([given])).toThrow(InvalidArgumentError);
    expect(() => checkLinkFlags(['-lm', given])).toThrow(reason);
    expect(() => checkLinkFlags([given])).toThrow(`linker flag ${given} cannot`);
  });

  it.each([
    '-sWASM=1',
    '-sWASMFS=0',
    '-sSAFE_HEAP=0',
    '-sASYNCIFY=0',
    '-sEXIT_RUNTIME=0',
    '-fsanitize=undefined',
    '-sASSERTIONS',
    '-lm',
    '-sNO_WASMFS',
  ])('does not reject %s', (given) => expect(() => checkLinkFlags([given])).not.toThrow());
});
