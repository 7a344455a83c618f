// The executable heapline-c++.

import { main } from '../main.ts';

await main('c++');
