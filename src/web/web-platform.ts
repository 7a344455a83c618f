// The platform's implementation for browsers, whole.

import type { Platform } from '../platform/index.ts';
import { gunzip } from './gunzip.ts';
import { writingPlatform } from './writing-platform.ts';

export const webPlatform: Platform = { ...writingPlatform, gunzip };
