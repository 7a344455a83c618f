// The process that measures how fast the pass is that inserts checks: megabytes of code in a second, once V8 has compiled the
// pass. It is a process of its own, as those of users are: what other measurements leave behind makes the collector slower.
// Prints the spread as JSON. Arguments: the module, rounds.

import '../src/node/install.ts';
import { readFileSync } from 'node:fs';
import { instrumentWithChecks } from '../src/access/index.ts';
import { threadTime } from './clock.ts';
import { spread } from './statistics.ts';

const WARM_UP = 6;

const [path, rounds] = process.argv.slice(2);
const bytes = readFileSync(path!);
const speeds: number[] = [];
for (let round = -WARM_UP; round < Number(rounds); round += 1) {
  const start = threadTime();
  const { statistics } = await instrumentWithChecks(bytes);
  const time = threadTime() - start;
  if (round >= 0) speeds.push((statistics.originalCodeSize / time) * 1e3);
}
console.log(JSON.stringify({ node: process.versions.node, speed: spread(speeds) }));
