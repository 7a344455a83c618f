// Which functions of a profile its drop_frames and keep_frames expressions hide, by the rules of pprof.

import { droppedFrames, type StackView } from '../frames/index.ts';
import { isListOfNames, listOfNames, namesMatching } from './frame-expression.ts';
import type { ProfileModel } from './model.ts';

/** The profile as people are to see it: without the frames that its drop_frames expression names. */
export function viewOf(model: ProfileModel): StackView {
  return droppedFrames(model.stacks, model.locations, droppedFunctions(model));
}

/** Which functions drop_frames names and keep_frames does not; null when an expression is missing or unusable. */
function droppedFunctions({ functions, dropFrames, keepFrames }: ProfileModel): boolean[] | null {
  if (dropFrames === '') return null;
  const names = functions.map(({ name }) => withoutParameters(name));
  const drop = namesMatching(dropFrames, names);
  const keep = keepFrames === '' ? names.map(() => false) : namesMatching(keepFrames, names);
  if (drop === null || keep === null) return null;
  return functions.map(({ name }, i) => name !== '' && drop[i]! && !keep[i]!);
}

/**
 * The same profile for readers without an engine for its expressions: they become lists of the names that they match.
 * The profile stays as it is where they cannot be used here either.
 */
export function withListedFrames(model: ProfileModel): ProfileModel {
  if (isListOfNames(model.dropFrames) && isListOfNames(model.keepFrames)) return model;
  const dropped = droppedFunctions(model);
  if (dropped === null) return model;
  const names = new Set(
    model.functions.filter((_, i) => dropped[i]).map(({ name }) => withoutParameters(name)),
  );
  return { ...model, dropFrames: listOfNames(names), keepFrames: '' };
}

/** Whether `viewOf` leaves an expression of the profile unused, because there is no engine for it or it is not valid. */
export function hasUnusedExpression(model: ProfileModel): boolean {
  return model.dropFrames !== '' && droppedFunctions(model) === null;
}

/** A C++ name up to its parameter list. */
function withoutParameters(name: string): string {
  const plain = name.startsWith('.') ? name.slice(1) : name;
  let from = 0;
  for (;;) {
    const open = plain.indexOf('(', from);
    if (open < 0) return plain;
    if (plain.startsWith('(anonymous namespace)', open)) from = open + '(anonymous namespace)'.length;
    else if (plain.endsWith('operator', open) && plain.startsWith('()', open)) from = open + 2;
    else return plain.slice(0, open);
  }
}
