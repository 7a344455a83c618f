// Written forms of profiles that may be loaded later: see installed-presentation.ts.

export { legacyText } from './legacy-text.ts';
export { speedscopeText } from './speedscope.ts';
