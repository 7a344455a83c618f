// Writes the --help output of the commands into docs/command-line.md, between marks. A test compares the page with
// the commands. Needs a current dist/.
//
//   npx tsx scripts/command-line-docs.ts

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PAGE = `${root}docs/command-line.md`;

function helpOf(command: string): string {
  const args = command === 'heapline' ? ['--help'] : [command, '--help'];
  return execFileSync(process.execPath, [`${root}dist/cli.js`, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', COLUMNS: '80' },
  });
}

/** The text of the page with the help of each command between its marks. */
export function withHelp(page: string): string {
  return page.replace(
    /(<!-- help: (\S+) -->\n).*?(<!-- end of help -->)/gs,
    (_, start: string, command: string, end: string) =>
      `${start}\n\`\`\`text\n${helpOf(command).trimEnd()}\n\`\`\`\n\n${end}`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withHelp(readFileSync(PAGE, 'utf8')));
}
