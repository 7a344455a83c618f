// Door of the frames: frames, call stacks that share their common parts, the choice of what is shown and hidden, and
// the words for them. It imports no other room.

export { ALLOCATION_FAMILY, DROP_FRAMES, isDropped, REMOVABLE_ALLOCATORS } from './allocation-functions.ts';
export { foldStacks, rememberedByFrame } from './fold-stacks.ts';
export { type Frame, namedFrame } from './frame.ts';
export {
  accessText,
  type FaultyAccess,
  type FaultyBlock,
  type FaultyVariable,
  faultMessage,
  faultPosition,
  faultStackNames,
  faultStacks,
  faultWords,
  type HeapFault,
  type HeapFaultKind,
  type MemoryAround,
  type MismatchedWays,
  mismatchText,
  variablePosition,
  withoutMemory,
} from './heap-fault.ts';
export {
  droppedFrames,
  GLUE_FILE,
  isEngineScript,
  isGlue,
  isLibraryFile,
  isOwnScript,
  isRustLibraryFile,
  type StackView,
  withoutHarness,
} from './hiding.ts';
export { patternMatcher } from './name-patterns.ts';
export { fileName, isBelow, position, relativePath } from './places.ts';
export { printable } from './printable.ts';
export {
  ARRAY_BUFFERS,
  COLLECTED,
  EXTERNAL,
  HOST,
  JAVASCRIPT,
  NOT_CAPTURED,
  OTHER,
  OWN,
  TRUNCATED,
  TRUNCATED_FRAME,
  UNKNOWN,
  WASM,
} from './pseudo-frames.ts';
export { type Gap, isGap, type ShownFrame, type ShownLimits, ShownStacks } from './shown.ts';
export {
  boundedStack,
  CUT,
  MAX_DEPTH,
  omittedCalls,
  type StackColumns,
  type StackShape,
  shapeOf,
} from './stack-columns.ts';
export { stackOf, stackOfFrames, withOtherStacks, withStacks, withStacksIn } from './stack-holders.ts';
export { emptyStack, type Stack, StackTree } from './stack-tree.ts';
export {
  frameText,
  gapFrame,
  gapText,
  hexAddress,
  messageFrames,
  quantity,
  shortPlace,
  stackLines,
} from './wording.ts';
export { CXX_LIBRARY, isSizedAllocator, wrapperFrames, wrapperPatterns } from './wrappers.ts';
