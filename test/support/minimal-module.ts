// The smallest module with a runtime, byte by byte, for instructions that assemblers do not write. Function 0
// is the import heapline.trace, 1 is malloc (which does not allocate and returns its argument), and 2 is
// free.

import { ABI_VERSION } from '../../src/runtime/layout.ts';
import { body, functionType, I32, leb, module, name, SectionId, section, vector } from './module-builder.ts';

interface Parts {
  /** Types from index 0 on. The runtime's own types follow them. */
  readonly types: readonly number[][];
  /** Functions from index 3 on. */
  readonly functions: readonly { type: number; export?: string; body: number[] }[];
  /** Functions of table 0. */
  readonly table?: readonly number[];
  readonly memory?: readonly number[];
  /** Sections at the end. */
  readonly after?: readonly number[];
}

/** Functions 0 to 2 are trace, malloc and free. */
export function runtimeModule({
  types,
  functions,
  table = [],
  memory = [0, 4],
  after = [],
}: Parts): Uint8Array<ArrayBuffer> {
  const own = types.length;
  const exported = functions.flatMap((each, index) =>
    each.export === undefined ? [] : [[...name(each.export), 0, ...leb(3 + index)]],
  );
  return module(
    section(
      SectionId.Type,
      vector([
        ...types,
        functionType([I32, I32, I32], []),
        functionType([I32], [I32]),
        functionType([I32], []),
      ]),
    ),
    section(SectionId.Import, vector([[...name('heapline'), ...name('trace'), 0, ...leb(own)]])),
    section(
      SectionId.Function,
      vector([leb(own + 1), leb(own + 2), ...functions.map(({ type }) => leb(type))]),
    ),
    section(SectionId.Table, vector([[0x70, 0, ...leb(table.length)]])),
    section(SectionId.Memory, vector([memory])),
    section(
      SectionId.Global,
      vector([
        [I32, 0, 0x41, 0x80, 0x08, 0x0b],
        [I32, 0, 0x41, 0x80, 0x20, 0x0b],
      ]),
    ),
    section(
      SectionId.Export,
      vector([
        [...name('memory'), 2, 0],
        [...name('heapline_runtime'), 3, 0],
        [...name('heapline_shadow'), 3, 1],
        [...name('malloc'), 0, 1],
        [...name('free'), 0, 2],
        ...exported,
      ]),
    ),
    table.length === 0
      ? []
      : section(SectionId.Element, vector([[0, 0x41, 0, 0x0b, ...vector(table.map(leb))]])),
    section(
      SectionId.Code,
      vector([
        body([0x20, 0, 0x20, 0, 0x41, 0, 0x10, 0, 0x20, 0]),
        body([0x20, 0, 0x41, 0, 0x41, 1, 0x10, 0]),
        ...functions.map((each) => each.body),
      ]),
    ),
    section(
      SectionId.Data,
      vector([
        [0, 0x41, 0x80, 0x08, 0x0b, 12, 0x48, 0x45, 0x41, 0x50, ABI_VERSION, 0, 0, 0, 0x00, 0x10, 0, 0],
      ]),
    ),
    after,
  );
}
