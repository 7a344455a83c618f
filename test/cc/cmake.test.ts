import { describe, expect, test } from 'vitest';
import { cmakeFiles } from '../../src/cc/cmake.ts';

const windows = {
  bin: 'C:\\my $tools\\heapline\\dist',
  root: 'C:\\wasi',
  batchFiles: 'C:\\cache\\cmake\\0123',
  node: 'C:\\Program Files\\nodejs\\node.exe',
};
const unix = {
  bin: '/opt/heapline/dist',
  root: '/usr/wasi',
  batchFiles: '/cache/cmake',
  node: '/usr/bin/node',
};

describe("CMake's toolchain file", () => {
  test('names the scripts and says nothing of the system where scripts can be started', () => {
    const { text, batchFiles } = cmakeFiles(unix, 'linux');
    expect(text).toContain('set(CMAKE_C_COMPILER "/opt/heapline/dist/heapline-cc.js")');
    expect(text).toContain('set(CMAKE_STRIP "true" CACHE');
    expect(text).not.toMatch(/CMAKE_SYSTEM_NAME|EMULATOR|\.cmd/);
    expect(batchFiles.size).toBe(0);
  });

  test('names batch files on Windows, and what runs programs', () => {
    const { text } = cmakeFiles(windows, 'win32');
    expect(text).toContain('set(CMAKE_SYSTEM_NAME Linux)');
    expect(text).toContain('set(CMAKE_CXX_COMPILER "C:/cache/cmake/0123/heapline-c++.cmd")');
    expect(text).toContain('set(CMAKE_STRIP "C:/cache/cmake/0123/heapline-nothing.cmd" CACHE');
    expect(text).toContain(
      '"C:/Program Files/nodejs/node.exe;--stack-size=7168;C:/my \\$tools/heapline/dist/cc-run.js"',
    );
    expect(text).not.toMatch(/heapline-\S+\.js|"true"/);
  });

  test('finds every file on Windows that it names, and each starts its tool with all arguments and its status', () => {
    const { text, batchFiles } = cmakeFiles(windows, 'win32');
    const named = [...text.matchAll(/"([^"]+\.cmd)"/g)].map(([, file]) => file!.replaceAll('/', '\\'));
    expect(named.sort()).toEqual([...batchFiles.keys()].sort());
    const cc = batchFiles.get('C:\\cache\\cmake\\0123\\heapline-cc.cmd')!.split('\r\n');
    expect(cc).toContain('set "script=C:\\my $tools\\heapline\\dist\\heapline-cc.js"');
    expect(cc.at(-2)).toBe('endlocal & "%installed%" "%script%" %*');
    expect(cc.at(-1)).toBe('');
  });
});
