// Starts thread.ts in a worker, because workers of Node.js 20 ignore --import.

import { register } from 'tsx/esm/api';

register();
await import('./thread.ts');
