// What tables and trees need to leave wrappers out, as far as it may be loaded later: see installed-presentation.ts.

export { addStack, InnermostFrames } from './innermost-frames.ts';
export { shownPart } from './shown-part.ts';
export { hiddenFunctions, hiddenInAll, WrapperCollector } from './wrapper-list.ts';
