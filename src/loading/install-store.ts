// Keeps modules that took long to make in the cache on disk. Entries import this file for its effect.

import { useModuleStore } from '../sandbox/index.ts';
import { keptModule } from './kept-modules.ts';

useModuleStore(keptModule);
