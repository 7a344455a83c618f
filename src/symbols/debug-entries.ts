// A second door of `symbols`, for readers of other facts than code offsets: the debug sections with their units,
// entries and attribute forms.

export { Cursor } from './dwarf/cursor.ts';
export { Entry } from './dwarf/entry.ts';
export * as form from './dwarf/forms.ts';
export { DebugSections } from './dwarf/sections.ts';
export { readUnits, Unit } from './dwarf/unit.ts';
