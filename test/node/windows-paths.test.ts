import { expect, test } from 'vitest';
import { isSameWindowsPath, posixPath, windowsPath } from '../../src/node/windows-paths.ts';

test.each([
  ['/c/Users/me/a b', 'c:\\Users\\me\\a b'],
  ['/C:/x', 'C:\\x'],
  ['//c/x', 'c:\\x'],
  ['/c', 'c:\\'],
  ['/c/', 'c:\\'],
  ['/tmp/x', '/tmp/x'],
  ['/', '/'],
  // What C has put its working directory before.
  ['/c/Users/me/D:\\dir\\x', 'D:\\dir\\x'],
  ['/c/Users/me/D:/dir/x', 'D:\\dir\\x'],
  ['/c/Users/me/D:\\dir/sub/x', 'D:\\dir\\sub\\x'],
  ['/c/Users/me/\\dir\\x', 'c:\\dir\\x'],
  ['/c/Users/me/\\\\server\\share\\x', '\\\\server\\share\\x'],
  ['/c/Users/me/dir\\x', 'c:\\Users\\me\\dir\\x'],
])('%s of a guest is %s on Windows', (guest, windows) => {
  expect(windowsPath(guest)).toBe(windows);
});

test('the working directory of Windows leads back to itself', () => {
  expect(posixPath('C:\\Users\\me')).toBe('/C/Users/me');
  expect(windowsPath(posixPath('C:\\Users\\me'))).toBe('C:\\Users\\me');
});

test.each([
  ['C:\\dir\\sub', 'C:\\dir/sub', true],
  ['C:\\dir\\Sub', 'c:\\dir/sub', true],
  ['C:\\dir\\größe', 'C:\\dir\\GRÖßE', true],
  ['C:\\dir\\größe', 'C:\\dir\\GRÖSSE', false],
  ['C:\\İ', 'C:\\i̇', false],
  ['C:\\dir\\sub', 'C:\\dir\\sub2', false],
  ['C:\\dir\\sub', 'D:\\dir\\sub', false],
])('%s and %s are the same place: %s', (one, other, same) => {
  expect(isSameWindowsPath(one, other)).toBe(same);
});
