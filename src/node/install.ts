// Installs the platform of Node.js. The entries of the package import this file for its effect.

import { usePlatform } from '../platform/index.ts';
import { nodePlatform } from './node-platform.ts';

usePlatform(nodePlatform);
