// The version of this package, for the comments of profiles and for `heapline --version`.

import manifest from '../../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
