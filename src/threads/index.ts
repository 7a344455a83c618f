// The threads of a process whose heaps are shown together: how they find each other, ask and answer.

export { type AbsentThread, type Answers, askThreads } from './ask.ts';
export type { Answerer, ThreadHub } from './hub.ts';
export { inOwnContext, joinThreads, ownThreadLabel, threadHub } from './join.ts';
export { now, type Request, type ThreadIdentity, threadLabel } from './messages.ts';
