// The version of this package, for the comments of profiles and for `heapline --version`.

import { version } from '../../package.json';

export const VERSION: string = version;
