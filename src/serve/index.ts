// The entry `heapline/pprof`: the heaps of this process over HTTP, in the manner of Go's net/http/pprof.

export { type PprofFetch, pprofFetch } from './fetch-handler.ts';
export { type PprofHandler, pprofHandler } from './node-handler.ts';
export type { HostHeapOptions, PprofOptions, ThreadsOptions } from './options.ts';
export { type PprofServer, type ServePprofOptions, servePprof } from './server.ts';
