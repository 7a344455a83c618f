// The executable heapline-ar.

import { main } from '../main.ts';

await main('ar');
