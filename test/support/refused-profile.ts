// Why a file is not read as a profile.

import { expect } from 'vitest';
import { InvalidProfileError } from '../../src/errors.ts';
import { HeapProfile } from '../../src/profile/index.ts';

/** The message with which the file is refused. */
export function refusal(bytes: Uint8Array): string {
  try {
    HeapProfile.decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidProfileError);
    return (error as Error).message;
  }
  throw new Error('it was read as a profile');
}
