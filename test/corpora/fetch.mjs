// Fetches npm packages that are pinned by version and hash, and unpacks them into .cache/ (ignored by git): the C sources
// of the corpora (packages.json), and modules with their JavaScript. Nothing of a package is installed or run by this.
// Prints nothing when all packages of the corpora are current: node test/corpora/fetch.mjs

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { networkEnvironment } from '../support/certificates.mjs';

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));
const cache = path.join(here, '..', '..', '.cache');
/** A file in an unpacked package with the hash of the archive from which the package came. */
const STAMP = '.integrity';

function isCurrent(target, integrity) {
  try {
    return readFileSync(path.join(target, STAMP), 'utf8') === integrity;
  } catch {
    return false;
  }
}

async function fetchPackage(directory, folder, { package: name = folder, version, integrity }) {
  const target = path.join(directory, folder);
  if (isCurrent(target, integrity)) return;
  console.log(`fetching ${name} ${version}`);
  mkdirSync(directory, { recursive: true });
  const scratch = mkdtempSync(path.join(directory, '.fetch-'));
  try {
    await run('npm', ['pack', `${name}@${version}`, '--pack-destination', scratch, '--silent'], {
      cwd: scratch,
      env: networkEnvironment(),
    });
    const archive = readdirSync(scratch).find((file) => file.endsWith('.tgz'));
    if (archive === undefined) throw new Error(`npm pack ${name}@${version} left no archive`);
    const bytes = readFileSync(path.join(scratch, archive));
    const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    if (found !== integrity) {
      throw new Error(`${name}@${version}: the archive's hash is ${found}, and ${integrity} is expected`);
    }
    const unpacked = path.join(scratch, 'unpacked');
    mkdirSync(unpacked);
    await run('tar', [
      '-xzf',
      path.join(scratch, archive),
      '-C',
      unpacked,
      '--strip-components=1',
      '--no-same-owner',
    ]);
    writeFileSync(path.join(unpacked, STAMP), integrity);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(path.dirname(target), { recursive: true }); // The name may have a scope.
    try {
      renameSync(unpacked, target);
    } catch (error) {
      // Another process was faster.
      if (!isCurrent(target, integrity)) throw error;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Makes sure that these packages are unpacked in `.cache/<group>/<folder>`.
 * @param pinned by folder: version and hash of the archive, and the package's name when the folder has another one
 */
export async function fetchPackages(group, pinned) {
  const directory = path.join(cache, group);
  for (const [folder, each] of Object.entries(pinned)) await fetchPackage(directory, folder, each);
  return directory;
}

/** Makes sure that every package of packages.json is unpacked in `.cache/corpora/<name>`. */
export async function fetchCorpora() {
  await fetchPackages('corpora', JSON.parse(readFileSync(path.join(here, 'packages.json'), 'utf8')));
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await fetchCorpora();
}
