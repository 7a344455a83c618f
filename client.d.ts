// The types of `import lib from './parser.c?heap'` with heapline/vitest-plugin. Refer to this file once in a project:
// "types": ["heapline/client"] in tsconfig.json, or /// <reference types="heapline/client" />.

declare module '*?heap' {
  const lib: import('heapline').Sandbox;
  export default lib;
}
