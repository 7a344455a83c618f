// Scopes of calls in Node.js. Node.js follows promises only while somebody asks, because following them costs time.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallScopes } from '../platform/index.ts';

const storage = new AsyncLocalStorage<object>();

export const callScopes: CallScopes = {
  run: (scope, work) => storage.run(scope, work),
  current: () => storage.getStore(),
  forget: () => storage.disable(),
};
