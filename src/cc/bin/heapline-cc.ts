// The executable heapline-cc.

import { main } from '../main.ts';

await main('cc');
