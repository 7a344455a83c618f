// The edits to all sections but the code: entries that are appended to a vector, bytes that are put in place
// of others, content that is new. An index space only grows at its end, so no index of the original changes.

import {
  ByteReader,
  ByteWriter,
  SECTION_ORDER,
  type Section,
  SectionId,
  skipLeb,
  type WasmModule,
} from '../binary/index.ts';

interface Patch {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** A section of the output: one of the original, perhaps with new content, or a new one. */
export interface OutputSection {
  readonly id: number;
  /** The section as it was; null for a new one. */
  readonly original: Section | null;
  /** New content, with the name of a custom section; null leaves the original as it is. */
  readonly content: Uint8Array | null;
}

/** Content of a custom section, name included. */
function customContent(name: string, content: Uint8Array): Uint8Array {
  const writer = new ByteWriter(content.length + name.length + 8);
  writer.name(name);
  writer.copy(content);
  return writer.take();
}

/** All edits to the sections of one module. */
export class SectionEdits {
  readonly #module: WasmModule;
  readonly #entries = new Map<number, Uint8Array[]>();
  readonly #patches = new Map<number, Patch[]>();
  readonly #contents = new Map<number, Uint8Array>();
  readonly #customs = new Map<Section, Uint8Array | null>();
  readonly #beforeCode: Uint8Array[] = [];
  readonly #atEnd: Uint8Array[] = [];

  constructor(module: WasmModule) {
    this.#module = module;
  }

  /** Appends an encoded entry to the vector of section `id`, which need not be there yet. */
  append(id: number, entry: Uint8Array): void {
    const entries = this.#entries.get(id);
    if (entries === undefined) this.#entries.set(id, [entry]);
    else entries.push(entry);
  }

  /** Puts `bytes` in place of those between two file offsets, which lie in one entry of section `id`. */
  patch(id: number, start: number, end: number, bytes: Uint8Array): void {
    const others = (this.#patches.get(id) ?? []).filter((patch) => patch.start !== start);
    this.#patches.set(id, [...others, { start, end, bytes }]);
  }

  /** Gives section `id` new content. */
  replace(id: number, content: Uint8Array): void {
    this.#contents.set(id, content);
  }

  /** Gives a custom section of the original new content, without its name; null leaves the section out. */
  replaceCustom(section: Section, content: Uint8Array | null): void {
    this.#customs.set(section, content === null ? null : customContent(section.name, content));
  }

  /** Adds a custom section: at the end, or right before the code. */
  addCustom(name: string, content: Uint8Array, place: 'end' | 'before code'): void {
    (place === 'end' ? this.#atEnd : this.#beforeCode).push(customContent(name, content));
  }

  /**
   * The sections of the output in order. The code section is among them if there are bodies; it has no
   * content here.
   */
  sections(hasCode: boolean): OutputSection[] {
    const fresh = this.#newSections(hasCode);
    const output: OutputSection[] = [];
    const takeBefore = (place: number): void => {
      while (fresh.length > 0 && SECTION_ORDER[fresh[0]!.id]! < place) this.#push(output, fresh.shift()!);
    };
    const { sections } = this.#module;
    const last = sections.findLastIndex(({ id }) => id !== SectionId.Custom);
    if (last === -1) takeBefore(Number.POSITIVE_INFINITY);
    sections.forEach((original, index) => {
      const { id } = original;
      if (id === SectionId.Custom) {
        const content = this.#customs.get(original);
        if (content !== null) output.push({ id, original, content: content ?? null });
        return;
      }
      takeBefore(SECTION_ORDER[id]!);
      this.#push(output, { id, original, content: this.#contentOf(original) });
      if (index === last) takeBefore(Number.POSITIVE_INFINITY);
    });
    for (const content of this.#atEnd) output.push({ id: SectionId.Custom, original: null, content });
    return output;
  }

  #push(output: OutputSection[], section: OutputSection): void {
    if (section.id === SectionId.Code) {
      for (const content of this.#beforeCode) output.push({ id: SectionId.Custom, original: null, content });
    }
    output.push(section);
  }

  /** Sections that the original does not have, in order. */
  #newSections(hasCode: boolean): OutputSection[] {
    const ids = new Set([...this.#entries.keys(), ...this.#contents.keys()]);
    if (hasCode) ids.add(SectionId.Code);
    return [...ids]
      .filter((id) => this.#module.section(id) === undefined)
      .sort((a, b) => SECTION_ORDER[a]! - SECTION_ORDER[b]!)
      .map((id) => ({
        id,
        original: null,
        content: id === SectionId.Code ? null : (this.#contents.get(id) ?? this.#vector(id, null)),
      }));
  }

  #contentOf(section: Section): Uint8Array | null {
    const { id } = section;
    const changed = this.#entries.has(id) || this.#patches.has(id);
    return this.#contents.get(id) ?? (changed ? this.#vector(id, section) : null);
  }

  /** A vector section with its patches and appended entries. */
  #vector(id: number, section: Section | null): Uint8Array {
    const { bytes } = this.#module;
    const entries = this.#entries.get(id) ?? [];
    const writer = new ByteWriter();
    if (section === null) writer.unsigned(entries.length);
    else {
      writer.unsigned(new ByteReader(bytes, section.content, section.end).u32() + entries.length);
      let copied = skipLeb(bytes, section.content);
      const patches = this.#patches.get(id) ?? [];
      for (const patch of patches.toSorted((a, b) => a.start - b.start)) {
        writer.copy(bytes.subarray(copied, patch.start));
        writer.copy(patch.bytes);
        copied = patch.end;
      }
      writer.copy(bytes.subarray(copied, section.end));
    }
    for (const entry of entries) writer.copy(entry);
    return writer.take();
  }
}
