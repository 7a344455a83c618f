// The executable heapline-ranlib.

import { main } from '../main.ts';

await main('ranlib');
