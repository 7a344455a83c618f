// Starts thread.ts in a worker, where Node.js 20 takes no --import.

import { register } from 'tsx/esm/api';

register();
await import('./thread.ts');
