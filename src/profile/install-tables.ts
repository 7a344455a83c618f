// Lets the tables of profiles leave wrappers out. heapline run imports this file for its effect.

import { useTables } from './installed-presentation.ts';
import * as tables from './tables.ts';

useTables(tables);
