// Starts a program that `heapline cc` has linked.

import type { main } from '../run.ts';
import { bundle } from './start.ts';

await bundle<typeof main>('cc-program')(process.argv.slice(2));
