// Folded stacks in Brendan Gregg's format (flamegraph.pl, inferno, speedscope): one line per stack with the outermost
// frame first, frames joined by `;`, then a space and the value. Equal stacks are one line. Lines are sorted.

import { boundedStack, CUT, fileName, type StackView, shapeOf, TRUNCATED, UNKNOWN } from '../frames/index.ts';
import type { SettingsOf } from '../options/option-table.ts';
import type { ProfileModel } from './model.ts';
import type { FOLDED_OPTIONS } from './profile-options.ts';
import { sampleTypeIndex } from './sample-types.ts';

/** How folded stacks are written. */
export interface FoldedOptions {
  /** Which values to write, such as `inuse_objects`. Default: the profile's default type. */
  sampleType?: string;
  /** Write `function file:line` for each frame instead of `function` (default false). */
  lines?: boolean;
}

export function foldedText(
  model: ProfileModel,
  view: StackView,
  options: SettingsOf<typeof FOLDED_OPTIONS>,
): string {
  const index = sampleTypeIndex(model, options.sampleType);
  const { stacks, samples } = model;
  const width = model.sampleTypes.length;
  const shape = shapeOf(stacks);

  const byStack = new Map<number, number>();
  for (let s = 0; s < samples.count; s++) {
    const value = samples.values[s * width + index]!;
    const stack = view.visible[samples.stack[s]!]!;
    if (value !== 0) byStack.set(stack, (byStack.get(stack) ?? 0) + value);
  }

  const textOf = model.locations.map((location, i) => {
    const shown = location.lines.slice(view.firstLine[i]!);
    const names = shown.map(({ function: fn, line }) => {
      const { name, file } = model.functions[fn] ?? { name: '', file: '' };
      const plain = escaped(name) || UNKNOWN;
      return options.lines && file !== '' ? `${plain} ${escaped(file)}:${line}` : plain;
    });
    if (names.length === 0) {
      const object = model.mappings[location.mapping]?.file ?? '';
      names.push(object === '' ? UNKNOWN : `[${escaped(fileName(object))}]`);
    }
    return names.reverse().join(';');
  });

  const lines = new Map<string, number>();
  for (const [stack, value] of byStack) {
    const parts = boundedStack(stacks, shape, stack).map((at) => (at === CUT ? TRUNCATED : textOf[at]!));
    const text = parts.length === 0 ? UNKNOWN : parts.reverse().join(';');
    lines.set(text, (lines.get(text) ?? 0) + value);
  }
  return [...lines]
    .filter(([, value]) => value !== 0)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([text, value]) => `${text} ${value}\n`)
    .join('');
}

/** Names may contain the separators: `;` becomes `:`, and line breaks become spaces. */
function escaped(name: string): string {
  return name.replaceAll(';', ':').replace(/[\r\n]+/g, ' ');
}
