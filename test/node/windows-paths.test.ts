import { expect, test } from 'vitest';
import { posixPath, windowsPath } from '../../src/node/windows-paths.ts';

test.each([
  ['/c/Users/me/a b', 'c:\\Users\\me\\a b'],
  ['/C:/x', 'C:\\x'],
  ['//c/x', 'c:\\x'],
  ['/c', 'c:\\'],
  ['/c/', 'c:\\'],
  ['/tmp/x', '/tmp/x'],
  ['/', '/'],
])('%s of a guest is %s on Windows', (guest, windows) => {
  expect(windowsPath(guest)).toBe(windows);
});

test('the working directory of Windows leads back to itself', () => {
  expect(posixPath('C:\\Users\\me')).toBe('/C/Users/me');
  expect(windowsPath(posixPath('C:\\Users\\me'))).toBe('C:\\Users\\me');
});
