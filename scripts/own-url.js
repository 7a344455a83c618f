// The replacement for `import.meta.url` in the CommonJS build. tsup's own shim makes invalid URLs from paths with #,
// ? or %, and takes the `document` of a test for a browser's.
import { pathToFileURL } from 'node:url';

export const ownUrl = pathToFileURL(__filename).href;
