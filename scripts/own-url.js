// What `import.meta.url` becomes in the CommonJS build. tsup's own shim makes no URL of a path with #, ? or %, and takes
// a test's `document` for a browser's.
import { pathToFileURL } from 'node:url';

export const ownUrl = pathToFileURL(__filename).href;
