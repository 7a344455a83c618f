// Types of `import lib from './parser.c?heap'` with heapline/vitest-plugin. To be named once in a project:
// "types": ["heapline/client"] in tsconfig.json, or /// <reference types="heapline/client" />.

declare module '*?heap' {
  const lib: import('heapline').Sandbox;
  export default lib;
}
