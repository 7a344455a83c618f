// heapline/core: the half of Heapline that runs in a browser. Experimental: names may change until a version says
// otherwise.

import './web/install.ts';

export * from './errors.ts';
export { HeapProfile } from './profile/index.ts';
