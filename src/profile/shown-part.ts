// What tables and trees show of a profile: its stacks without the frames of functions that allocate for others.

import type { StackView } from '../frames/index.ts';
import { viewOf } from './drop-frames.ts';
import { filtered } from './filter.ts';
import type { ProfileModel } from './model.ts';
import { hiddenFunctions, hiddenNote } from './wrapper-list.ts';

/** A profile as a table shows it. */
export interface ShownPart {
  readonly model: ProfileModel;
  readonly view: StackView;
  /** The line that says what is left out; '' when that is nothing. */
  readonly note: string;
}

/**
 * Leaves the wrappers out.
 * @param view the model as people are to see it
 * @param patterns what the user says of functions
 */
export function shownPart(model: ProfileModel, view: StackView, patterns: readonly string[]): ShownPart {
  const hidden = hiddenFunctions(model, patterns);
  if (hidden.length === 0) return { model, view, note: '' };
  const left = filtered(model, view, {}, hidden);
  return { model: left, view: viewOf(left), note: hiddenNote(model, hidden, patterns) };
}
