// Keeps modules into which the runtime was grafted in the cache on disk. Entries import this file for its effect.

import { useModuleStore } from '../sandbox/index.ts';
import { findGrafted, keepGrafted } from './kept-modules.ts';

useModuleStore({ find: findGrafted, keep: keepGrafted });
