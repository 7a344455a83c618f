/**
 * The entry `heapline/pprof`: serves the heaps of this process over HTTP, as Go's net/http/pprof does.
 *
 * @module pprof
 */

import '../node/install.ts';
import '../profile/install-presentation.ts';
import './join.ts';

export { type PprofFetch, pprofFetch } from './fetch-handler.ts';
export { type PprofHandler, pprofHandler } from './node-handler.ts';
export type { HostHeapOptions, PprofOptions, ServePprofOptions, ThreadsOptions } from './options.ts';
export { type PprofServer, servePprof } from './server.ts';
