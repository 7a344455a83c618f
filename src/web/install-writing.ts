// Installs the platform of browsers without the readers of other tools' files. `heapline/browser` imports this file for
// its effect.

import { usePlatformByDefault } from '../platform/index.ts';
import { writingPlatform } from './writing-platform.ts';

usePlatformByDefault(writingPlatform);
