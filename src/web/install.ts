// Installs the platform of browsers where no other one is installed. `heapline/core` imports this file for its
// effect.

import { usePlatformByDefault } from '../platform/index.ts';
import { webPlatform } from './web-platform.ts';

usePlatformByDefault(webPlatform);
