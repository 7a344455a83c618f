// Door of the frames: call stacks that share what they have in common, what is shown of them, and the words for it.

export { type Gap, isGap, type ShownFrame, type ShownLimits, ShownStacks } from './shown.ts';
export {
  emptyStack,
  foldStacks,
  rememberedByFrame,
  type Stack,
  StackTable,
  stackOf,
  stackOfFrames,
  withOtherStacks,
  withStacks,
} from './stack.ts';
export {
  frameText,
  gapFrame,
  gapText,
  isBelow,
  position,
  quantity,
  relativePath,
  stackLines,
} from './wording.ts';
