// The executable heapline-ld.

import type { main } from '../main.ts';
import { bundle } from './start.ts';

await bundle<typeof main>('cc-tools')('ld');
