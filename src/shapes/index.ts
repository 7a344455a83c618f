// The door of `shapes`: it judges by their code which functions only allocate for their callers.

export { type Places, WrapperFrames } from './wrapper-frames.ts';
export { WrapperSearch } from './wrapper-search.ts';
