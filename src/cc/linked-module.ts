// The module of a program, as a link writes it: instrumented, so that the program starts at once. It keeps what the
// linker wrote in a custom section, compressed and without the sections that both have. With HEAPLINE_OPTIONS=access=1
// the program is instrumented again from there, with checks of its accesses. A link with -fsanitize=address puts the
// checks in at once.

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteReader, ByteWriter, readModule, SectionId } from '../binary/index.ts';
import { InvalidModuleError } from '../errors.ts';
import { instrument } from '../instrument/index.ts';

/** Name of the custom section. */
const ORIGINAL = 'heapline.linked';
/** The largest module that an engine takes has 1 GiB. */
const MOST_BYTES = 2 ** 30;
/** Magic number and version of every module. */
const HEADER = 8;
/** What the section has for each section of the linker's module: its number here, or its bytes. */
const Part = { Same: 0, Bytes: 1 } as const;

/** Instruments what the linker wrote. @param access with checks of accesses */
export async function instrumentLinked(linked: Uint8Array, access: boolean): Promise<Uint8Array> {
  if (!access) return keepLinked(instrument(linked).bytes, linked);
  const { instrumentWithChecks } = await import('../access/index.ts');
  return (await instrumentWithChecks(linked)).bytes;
}

/** Adds to a module what is needed to get the one of the linker back. */
export function keepLinked(instrumented: Uint8Array, linked: Uint8Array): Uint8Array {
  const content = new ByteWriter(linked.length / 2);
  content.name(ORIGINAL);
  content.copy(deflateRawSync(differences(linked, instrumented)));
  const module = new ByteWriter(instrumented.length + content.length + HEADER);
  module.copy(instrumented);
  module.byte(SectionId.Custom);
  module.unsigned(content.length);
  module.copy(content.take());
  return module.take();
}

function differences(linked: Uint8Array, instrumented: Uint8Array): Uint8Array {
  const here = readModule(instrumented).sections;
  const parts = new ByteWriter(linked.length / 2);
  parts.copy(linked.subarray(0, HEADER));
  for (const { start, end } of readModule(linked).sections) {
    const bytes = linked.subarray(start, end);
    const same = here.findIndex(
      (each) =>
        each.end - each.start === bytes.length && isSame(instrumented.subarray(each.start, each.end), bytes),
    );
    if (same >= 0) {
      parts.byte(Part.Same);
      parts.unsigned(same);
      continue;
    }
    parts.byte(Part.Bytes);
    parts.unsigned(bytes.length);
    parts.copy(bytes);
  }
  return parts.take();
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** The module that the linker wrote; null for a module that does not keep it. */
export function linkedModule(bytes: Uint8Array): Uint8Array | null {
  const { sections } = readModule(bytes);
  const kept = sections.find(({ id, name }) => id === SectionId.Custom && name === ORIGINAL);
  if (kept === undefined) return null;
  const parts = inflated(bytes.subarray(kept.content, kept.end));
  const reader = new ByteReader(parts);
  const linked = new ByteWriter(bytes.length);
  const copy = (length: number): void => {
    reader.skip(length);
    linked.copy(parts.subarray(reader.offset - length, reader.offset));
  };
  copy(HEADER);
  while (!reader.done) {
    if (reader.byte() === Part.Bytes) {
      copy(reader.u32());
      continue;
    }
    const section = sections[reader.u32()];
    if (section === undefined) throw damaged();
    linked.copy(bytes.subarray(section.start, section.end));
  }
  return linked.take();
}

/** The same for work that can go on without that module: null also for a section that is damaged. */
export function readableLinkedModule(bytes: Uint8Array): Uint8Array | null {
  try {
    return linkedModule(bytes);
  } catch (error) {
    if (error instanceof InvalidModuleError) return null;
    throw error;
  }
}

function inflated(compressed: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(compressed, { maxOutputLength: MOST_BYTES });
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): InvalidModuleError {
  return new InvalidModuleError(
    `The section ${ORIGINAL} of the program is damaged. Link the program again.`,
    null,
    { cause },
  );
}
