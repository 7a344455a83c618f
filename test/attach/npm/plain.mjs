// Runs a program without Heapline and prints its result: node plain.mjs PROGRAM FOLDER

const [, , program, folder] = process.argv;
const { use } = await import(program);
const { result } = await use(folder);
process.stdout.write(JSON.stringify(result));
process.exit(0);
