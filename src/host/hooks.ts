// How a runtime that was grafted into a module calls the host: through a table, because further imports would have moved
// all function indices. Tables hold functions of WebAssembly only, so a module of its own passes the host's functions on.

import { ByteWriter, ExternalKind, exportEntry, functionTypeEntry, SectionId } from '../binary/index.ts';
import { HOOKS_TABLE } from '../instrument/instrumented-module.ts';
import { engine } from './engine.ts';

const I32 = 0x7f;
/** The functions in the order of the table, and whether they return a number. */
const HOOKS = [
  { name: 'host_stack', results: [I32] },
  { name: 'fault', results: [] },
  { name: 'point', results: [I32] },
  { name: 'exiting', results: [] },
] as const;

/** A module that exports what it imports. */
function passingModule(): Uint8Array {
  const writer = new ByteWriter(256);
  writer.copy(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const section = (id: number, write: (content: ByteWriter) => void): void => {
    const content = new ByteWriter(128);
    content.unsigned(HOOKS.length);
    write(content);
    const bytes = content.take();
    writer.byte(id);
    writer.unsigned(bytes.length);
    writer.copy(bytes);
  };
  section(SectionId.Type, (content) => {
    for (const { results } of HOOKS) content.copy(functionTypeEntry([I32], results));
  });
  section(SectionId.Import, (content) => {
    HOOKS.forEach(({ name }, type) => {
      content.name('heapline');
      content.name(name);
      content.byte(ExternalKind.Function);
      content.unsigned(type);
    });
  });
  section(SectionId.Export, (content) => {
    for (const [index, { name }] of HOOKS.entries()) {
      content.copy(exportEntry(name, ExternalKind.Function, index));
    }
  });
  return writer.take();
}

let passing: WebAssembly.Module | null = null;

/** Puts the host's functions into the table of a runtime that was grafted in. Other modules have no such table. */
export function connectHooks(exports: WebAssembly.Exports, functions: object): void {
  const table: unknown = exports[HOOKS_TABLE];
  if (!(table instanceof WebAssembly.Table)) return;
  passing ??= new (engine().Module)(passingModule() as Uint8Array<ArrayBuffer>);
  const heapline = functions as Record<string, WebAssembly.ImportValue>;
  const passed = new (engine().Instance)(passing, { heapline }).exports;
  for (const [index, { name }] of HOOKS.entries()) table.set(index, passed[name]);
}
