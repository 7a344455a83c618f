// The door of `shapes`: it finds functions that only allocate for their callers by what their code does.

export { findWrappers, type Wrappers } from './find-wrappers.ts';
