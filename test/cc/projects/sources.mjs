// Fetches the sources of C projects as Debian has them, unmodified, into .cache/sources/<package>/ (ignored by git). apt
// checks their signatures. It has a list of sources of its own here, so that neither root nor a change of the machine is
// needed. Prints nothing when all are there: node test/cc/projects/sources.mjs PACKAGE…

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));
const directory = path.join(here, '..', '..', '..', '.cache', 'sources');

/** Where this machine's packages come from, as lines of a list for their sources. */
async function sourceList() {
  const format = '$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const lines = stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([, release, component, origin]) =>
        component === 'main' && /^[a-z]+$/.test(release) && origin === 'Debian',
    )
    .map(([site, release, component]) => `deb-src ${site} ${release} ${component}\n`);
  if (lines.length === 0) throw new Error('apt-get knows no packages of Debian, whose sources are needed');
  return [...new Set(lines)].join('');
}

/** Options with which apt-get leaves the machine's own state alone. */
async function privateState(scratch) {
  const list = path.join(scratch, 'sources.list');
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(path.join(scratch, folder), { recursive: true });
  }
  writeFileSync(list, await sourceList());
  return [
    ...['-o', `Dir::Etc::sourcelist=${list}`, '-o', 'Dir::Etc::sourceparts=/dev/null'],
    ...['-o', `Dir::State::lists=${scratch}/lists`, '-o', `Dir::Cache=${scratch}/cache`],
    ...['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3'],
  ];
}

async function unpack(archive, name) {
  const unpacked = mkdtempSync(path.join(directory, '.unpack-'));
  try {
    await run('tar', ['-xf', archive, '-C', unpacked, '--strip-components=1', '--no-same-owner']);
    renameSync(unpacked, path.join(directory, name));
  } catch (error) {
    rmSync(unpacked, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(path.join(directory, name))) throw error;
  }
}

/** Makes sure that these source packages are unpacked. Returns the directory that has them. */
export async function fetchSources(names) {
  const missing = names.filter((name) => !existsSync(path.join(directory, name)));
  if (missing.length === 0) return directory;
  console.log(`fetching the sources of ${missing.join(', ')}`);
  mkdirSync(directory, { recursive: true });
  const scratch = mkdtempSync(path.join(directory, '.fetch-'));
  try {
    const state = await privateState(scratch);
    await run('apt-get', [...state, 'update', '-qq'], { cwd: scratch });
    await run('apt-get', [...state, 'source', '--download-only', '-qq', ...missing], { cwd: scratch });
    for (const name of missing) {
      const archive = readdirSync(scratch).find(
        (file) => file.startsWith(`${name}_`) && /\.orig\.tar\.\w+$/.test(file),
      );
      if (archive === undefined) throw new Error(`the source package ${name} has no archive of its origin`);
      await unpack(path.join(scratch, archive), name);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return directory;
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await fetchSources(process.argv.slice(2));
}
