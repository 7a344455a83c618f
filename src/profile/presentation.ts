// How people look at profiles, as far as it may be loaded later: see installed-presentation.ts.

export { addStack, InnermostFrames } from './innermost-frames.ts';
export { legacyText } from './legacy-text.ts';
export { shownPart } from './shown-part.ts';
export { speedscopeText } from './speedscope.ts';
export { hiddenFunctions, hiddenInAll, WrapperCollector } from './wrapper-list.ts';
