// What the executables heapline-cc, heapline-c++, heapline-emcc, heapline-em++, heapline-ld, heapline-ar and
// heapline-ranlib do. They load no more than a compiler needs, because builds start them thousands of times.

import { runTool, type Tool } from './index.ts';

/** Runs a tool with the arguments of this process, and ends with its status. */
export async function main(tool: Tool): Promise<void> {
  process.exitCode = await runTool(tool, process.argv.slice(2));
}
