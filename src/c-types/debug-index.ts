// What the debug information of a module describes: its types by name, and its functions by name and by address. One
// pass over all entries finds them; what an entry says about a type is read later, when somebody asks.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { unitDone } from '../algorithms/watched-work.ts';
import { DwarfError } from '../errors.ts';
import { type Cursor, DebugSections, Entry, form, readUnits, type Unit } from '../symbols/debug-entries.ts';
import * as dw from './constants.ts';
import { isSet, numberOf, type Reference, signatureAt, TypeEntry } from './entry.ts';

/** A named type where the debug information describes it. */
export interface NamedType {
  /** Offset of its entry in .debug_info. */
  readonly entry: number;
  readonly tag: number;
  readonly unit: Unit;
  /** Name with namespaces, without `struct`. */
  readonly name: string;
  /** True where the type is only declared, as by `struct node;`. */
  readonly declared: boolean;
  /** True inside of a function. */
  readonly local: boolean;
  /** True for C, where a struct is named together with its keyword. */
  readonly c: boolean;
}

/** A function that has code. */
export interface NamedFunction {
  readonly entry: number;
  readonly unit: Unit;
  /** Its linkage name, or its name where it has none. */
  readonly name: string;
  /** Offset of its code from the start of the code section payload. */
  readonly address: number;
  readonly external: boolean;
}

/** Most references that lead from one entry to another. */
const MOST_HOPS = 16;
const MOST_WARNINGS = 20;

export class DebugIndex {
  readonly sections: DebugSections;
  readonly #units: readonly Unit[];
  readonly #unitEnds: readonly number[];
  readonly #types = new Map<string, NamedType[]>();
  readonly #byEntry = new Map<number, NamedType>();
  readonly #functions: NamedFunction[] = [];
  /** Entries of types by the signature of their type unit. */
  readonly #signatures = new Map<string, number>();
  readonly #warnings: string[] = [];
  /** The entry that inOrigins() reads into; null while a call uses it, because calls may be nested. */
  #spare: TypeEntry | null = null;

  constructor(section: (name: string) => Uint8Array | undefined) {
    this.sections = new DebugSections(section);
    this.#units = readUnits(this.sections, (error) => this.#warn(error));
    this.#unitEnds = this.#units.map(({ end }) => end);
    // Names may refer from one unit to the other, so all roots come first: they say where strings and addresses are.
    for (const unit of this.#units) this.guard(undefined, () => unit.open(new Entry(), () => {}));
    for (const [index, unit] of this.#units.entries()) {
      unitDone(index, this.#units.length);
      this.guard(undefined, () => this.#scan(unit));
    }
  }

  /** What could not be read, and why. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** All functions that have code. */
  get functions(): readonly NamedFunction[] {
    return this.#functions;
  }

  /** The types of this name, which is without `struct`; those that are only declared among them. */
  typesNamed(name: string): readonly NamedType[] {
    return this.#types.get(name) ?? [];
  }

  /** All named types. */
  *types(): Generator<NamedType, void, undefined> {
    for (const types of this.#types.values()) yield* types;
  }

  /** The named type whose entry this is. */
  typeAt(entry: number): NamedType | undefined {
    return this.#byEntry.get(entry);
  }

  /** The unit of an entry; undefined where none is. */
  unitAt(entry: number): Unit | undefined {
    const unit = this.#units[lastAtMost(this.#unitEnds, entry) + 1];
    return unit !== undefined && entry >= unit.entries ? unit : undefined;
  }

  /** The offset of the entry that a reference names; undefined where there is none. */
  resolve(reference: Reference): number | undefined {
    return typeof reference === 'number' ? reference : this.#signatures.get(reference);
  }

  /** Reads the entry at `offset`. @returns its unit, and a cursor behind it: at its first child if it has children */
  read(offset: number, into: TypeEntry): { readonly unit: Unit; readonly cursor: Cursor } {
    const unit = this.unitAt(offset);
    if (unit === undefined) {
      throw new DwarfError(
        `.debug_info: reference to offset 0x${offset.toString(16)}, where no unit is`,
        '.debug_info',
        offset,
      );
    }
    const cursor = unit.cursor(offset);
    this.#next(unit, cursor, offset, into);
    return { unit, cursor };
  }

  /** Calls `visit` for each child of the entry at `offset`; not for their children. */
  eachChild(offset: number, visit: (child: TypeEntry, at: number, unit: Unit) => void): void {
    const entry = new TypeEntry();
    const { unit, cursor } = this.read(offset, entry);
    if (!entry.hasChildren) return;
    let depth = 1;
    while (cursor.position < cursor.end) {
      const at = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        depth--;
        if (depth === 0) return;
        continue;
      }
      const abbreviation = unit.abbreviations.get(code, at);
      this.sections.budget.spend(abbreviation.forms.length + 1, '.debug_info', at);
      if (depth > 1) for (const step of abbreviation.skip) form.skipForm(cursor, step, unit);
      else {
        entry.read(cursor, abbreviation, unit);
        visit(entry, at, unit);
      }
      if (abbreviation.hasChildren) depth++;
    }
  }

  /**
   * Calls `visit` for each entry below the one at `offset`, with the scope that `visit` gave for the entry above it. What
   * is below an entry for which it gives null is left out.
   */
  eachDescendant<Scope>(
    offset: number,
    scope: Scope,
    visit: (entry: TypeEntry, at: number, scope: Scope) => Scope | null,
  ): void {
    const entry = new TypeEntry();
    const { unit, cursor } = this.read(offset, entry);
    if (!entry.hasChildren) return;
    const scopes: (Scope | null)[] = [scope];
    while (cursor.position < cursor.end && scopes.length > 0) {
      const at = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        scopes.pop();
        continue;
      }
      const abbreviation = unit.abbreviations.get(code, at);
      this.sections.budget.spend(abbreviation.forms.length + 1, '.debug_info', at);
      let inner: Scope | null = null;
      const outer = scopes[scopes.length - 1]!;
      if (outer === null) for (const step of abbreviation.skip) form.skipForm(cursor, step, unit);
      else {
        entry.read(cursor, abbreviation, unit);
        inner = visit(entry, at, outer);
      }
      if (abbreviation.hasChildren) scopes.push(inner);
    }
  }

  /** Calls `visit` for each variable of the module. */
  eachVariable(visit: (entry: TypeEntry, at: number, unit: Unit) => void): void {
    const entry = new TypeEntry();
    for (const unit of this.#units) {
      this.guard(undefined, () => {
        const cursor = unit.cursor(unit.entries);
        this.sections.budget.spend(unit.end - unit.entries, '.debug_info', unit.entries);
        while (cursor.position < cursor.end) {
          const at = cursor.position;
          const code = cursor.uleb();
          if (code === 0) continue;
          const abbreviation = unit.abbreviations.get(code, at);
          if (abbreviation.tag !== dw.DW_TAG_variable) {
            for (const step of abbreviation.skip) form.skipForm(cursor, step, unit);
            continue;
          }
          entry.read(cursor, abbreviation, unit);
          visit(entry, at, unit);
        }
      });
    }
  }

  /**
   * The first answer that an entry gives, or the entries that it refers to: a function that was inlined elsewhere has
   * its name and type in its abstract origin, a method in the declaration that it specifies.
   */
  inOrigins<T>(offset: number, ask: (entry: TypeEntry, unit: Unit, at: number) => T | null): T | null {
    // The entry is used again: it has many parts, and this is called for each variable and each function.
    const entry = this.#spare ?? new TypeEntry();
    this.#spare = null;
    try {
      let at: number | undefined = offset;
      for (let hops = 0; at !== undefined && hops < MOST_HOPS; hops++) {
        const { unit } = this.read(at, entry);
        const answer = ask(entry, unit, at);
        if (answer !== null) return answer;
        const next: Reference | null = entry.abstractOrigin ?? entry.specification;
        at = next === null ? undefined : this.resolve(next);
      }
      return null;
    } finally {
      this.#spare = entry;
    }
  }

  /** What `read` returns; `instead` where the debug information is damaged, with a warning. */
  guard<T>(instead: T, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      this.#warn(error);
      return instead;
    }
  }

  #next(unit: Unit, cursor: Cursor, offset: number, into: TypeEntry): void {
    const abbreviation = unit.abbreviations.get(cursor.uleb(), offset);
    this.sections.budget.spend(abbreviation.forms.length + 1, '.debug_info', offset);
    into.read(cursor, abbreviation, unit);
  }

  #scan(unit: Unit): void {
    this.#openTypeUnit(unit);
    const entry = new TypeEntry();
    const cursor = unit.cursor(unit.entries);
    this.sections.budget.spend(unit.end - unit.entries, '.debug_info', unit.entries);
    this.read(unit.entries, entry);
    const c = dw.C_LANGUAGES.has(numberOf(entry.language, 0) ?? 0);
    // The prefix of names at each depth; null inside of a function, where names are not those of the unit.
    const scopes: (string | null)[] = [''];
    while (cursor.position < cursor.end) {
      const at = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        if (scopes.length > 1) scopes.pop();
        continue;
      }
      const abbreviation = unit.abbreviations.get(code, at);
      let scope = scopes[scopes.length - 1] ?? null;
      if (!isIndexed(abbreviation.tag)) {
        for (const step of abbreviation.skip) form.skipForm(cursor, step, unit);
      } else {
        entry.read(cursor, abbreviation, unit);
        if (entry.tag === dw.DW_TAG_subprogram) {
          this.#addFunction(unit, entry, at);
          scope = null;
        } else {
          const name = unit.string(entry.name);
          if (entry.tag !== dw.DW_TAG_namespace && name !== null) {
            this.#addType(unit, entry, at, { name: `${scope ?? ''}${name}`, local: scope === null, c });
          }
          // C has no names within structs.
          if (!c && entry.tag !== dw.DW_TAG_typedef && scope !== null) scope += `${name ?? '(anonymous)'}::`;
        }
      }
      if (abbreviation.hasChildren) scopes.push(scope);
    }
  }

  /** Version 5 has a signature and the offset of the type between the header and the entries of a type unit. */
  #openTypeUnit(unit: Unit): void {
    if (unit.type !== dw.DW_UT_type && unit.type !== dw.DW_UT_split_type) return;
    const cursor = this.sections.cursor('.debug_info', unit.entries - 8 - unit.offsetSize);
    const signature = signatureAt(cursor);
    this.#signatures.set(signature, unit.offset + cursor.unsigned(unit.offsetSize));
  }

  #addType(unit: Unit, entry: TypeEntry, at: number, names: Pick<NamedType, 'name' | 'local' | 'c'>): void {
    const type: NamedType = { entry: at, tag: entry.tag, unit, declared: isSet(entry.declaration), ...names };
    this.#byEntry.set(at, type);
    const others = this.#types.get(type.name);
    if (others === undefined) this.#types.set(type.name, [type]);
    else others.push(type);
  }

  #addFunction(unit: Unit, entry: TypeEntry, at: number): void {
    const address = this.sections.address(entry.lowPc.kind, entry.lowPc.value, unit);
    if (isSet(entry.declaration) || address === null || address === 0) return;
    let external = false;
    const name = this.inOrigins(at, (each, home) => {
      external ||= isSet(each.external);
      return home.string(each.linkageName) ?? home.string(each.name);
    });
    if (name !== null) this.#functions.push({ entry: at, unit, name, address, external });
  }

  #warn(error: DwarfError): void {
    if (this.#warnings.length < MOST_WARNINGS) this.#warnings.push(error.message);
  }
}

function isIndexed(tag: number): boolean {
  switch (tag) {
    case dw.DW_TAG_structure_type:
    case dw.DW_TAG_class_type:
    case dw.DW_TAG_union_type:
    case dw.DW_TAG_enumeration_type:
    case dw.DW_TAG_typedef:
    case dw.DW_TAG_base_type:
    case dw.DW_TAG_namespace:
    case dw.DW_TAG_subprogram:
      return true;
    default:
      return false;
  }
}
