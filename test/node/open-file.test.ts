import { expect, test } from 'vitest';
import { FileType } from '../../src/host/index.ts';
import { StandardStream } from '../../src/node/open-file.ts';

/** A descriptor that nothing has open. */
const CLOSED = 1_000_000;
const events = { brokenPipe: () => {} };

test('a stream without a status is a stream on Windows, where pipes may lack one, and closed elsewhere', () => {
  expect(StandardStream.open(CLOSED, events, 'linux')).toBeNull();
  const stream = StandardStream.open(CLOSED, events, 'win32');
  expect(stream?.type).toBe(FileType.unknown);
  expect(() => stream?.write([Buffer.from('x')])).toThrow('EBADF');
});
