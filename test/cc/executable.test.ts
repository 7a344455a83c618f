import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { batch, moduleIn, writeExecutable } from '../../src/cc/executable.ts';

const MODULE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
const starter = { runner: 'C:\\my 100% a&b\\dist\\cc-run.js', node: 'C:\\nodes\\node.exe' };

describe('the batch file of a program', () => {
  const lines = (text: string): string[] => text.split('\r\n');

  test('starts it by the last line, so the status is the one of the program', () => {
    const all = lines(batch(starter, ''));
    expect(all.at(-1)).toBe('');
    expect(all.at(-2)).toBe('endlocal & "%node%" --stack-size=7168 "%runner%" "%program%" %*');
    expect(all.join('')).not.toMatch(/[\r\n]/);
  });

  test('has paths in quotes, with % doubled', () => {
    expect(lines(batch(starter, ''))).toContain('set "runner=C:\\my 100%% a&b\\dist\\cc-run.js"');
    expect(lines(batch(starter, '.exe'))).toContain('set "program=%~dpn0.exe"');
  });

  test('changes the code page for other paths than those of ASCII alone, and back again', () => {
    expect(batch(starter, '')).not.toContain('chcp');
    const all = lines(batch({ ...starter, runner: 'C:\\Jürgen\\cc-run.js' }, ''));
    const at = all.indexOf('chcp 65001 >nul');
    expect(all[at + 1]).toBe('set "runner=C:\\Jürgen\\cc-run.js"');
    expect(all[at + 3]).toBe('chcp %page% >nul');
  });
});

describe('a program', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'heapline-executable-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const written = (name: string, platform: NodeJS.Platform): string[] => {
    writeExecutable(join(directory, name), MODULE, starter, platform);
    return readdirSync(directory).sort();
  };

  test.each([
    ['prog', 'prog.cmd'],
    ['prog.exe', 'prog.cmd'],
    ['a.out', 'a.out.cmd'],
  ])('%s on Windows has %s beside it', (name, beside) => {
    expect(written(name, 'win32')).toEqual([name, beside].sort());
    const extension = name.endsWith('.exe') ? '.exe' : '';
    expect(readFileSync(join(directory, beside), 'utf8')).toBe(batch(starter, extension));
    expect(moduleIn(readFileSync(join(directory, name)))).toEqual(Buffer.from(MODULE));
  });

  test('stands alone elsewhere, and so does a module', () => {
    expect(written('prog', 'linux')).toEqual(['prog']);
    expect(statSync(join(directory, 'prog')).mode & 0o100).toBe(0o100);
    expect(written('prog.wasm', 'win32')).toEqual(['prog', 'prog.wasm']);
    expect(readFileSync(join(directory, 'prog.wasm'))).toEqual(Buffer.from(MODULE));
  });
});
