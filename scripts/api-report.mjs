// Records the published interface: for each entry of the package, the names and types of its declarations in dist/,
// as test/types/ENTRY.api.md. A test compares these files with dist/, so that no name and no type changes unnoticed.
// A type that a public signature uses must be exported by that entry or by the main one.
//
//   node scripts/api-report.mjs            writes test/types; needs a current dist/
//   node scripts/api-report.mjs DIRECTORY  writes the files into that directory

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The entries of package.json that have declarations in dist/, the main one first. */
const ENTRIES = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
  .map((name) => (name === '.' ? 'index' : name.slice('./'.length)))
  .filter((name) => existsSync(join(root, 'dist', `${name}.d.ts`)));

/**
 * The configuration of API Extractor for one entry. It reports forgotten exports only; TypeScript finds the other
 * faults.
 */
function configuration(entry, folder) {
  const none = { default: { logLevel: 'none' } };
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, 'dist', `${entry}.d.ts`),
      newlineKind: 'lf',
      compiler: { tsconfigFilePath: join(root, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder: folder,
        reportTempFolder: folder,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: none,
        tsdocMessageReporting: none,
        extractorMessageReporting: { ...none, 'ae-forgotten-export': { logLevel: 'warning' } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
}

/** The interface of an entry as text, and the types that it uses without exporting them. */
function reportOf({ entry, config, compilerState, folder }) {
  const forgotten = [];
  Extractor.invoke(config, {
    localBuild: true,
    compilerState,
    messageCallback(message) {
      if (message.messageId === 'ae-forgotten-export') forgotten.push(/"(\w+)"/.exec(message.text)[1]);
      message.handled = true;
    },
  });
  return { text: readFileSync(join(folder, `${entry}.api.md`), 'utf8'), forgotten };
}

const target = resolve(process.argv[2] ?? join(root, 'test/types'));
mkdirSync(target, { recursive: true });
const temporary = mkdtempSync(join(tmpdir(), 'heapline-api-'));
try {
  const configs = ENTRIES.map((entry) => configuration(entry, temporary));
  // TypeScript reads the declarations once for all entries.
  const compilerState = CompilerState.create(configs[0], {
    additionalEntryPoints: configs.map((config) => config.mainEntryPointFilePath),
  });
  const reports = ENTRIES.map((entry, index) => ({
    entry,
    ...reportOf({ entry, config: configs[index], compilerState, folder: temporary }),
  }));
  const main = new Set(
    [
      ...reports[0].text.matchAll(/^export (?:abstract )?(?:class|const|function|interface|type) (\w+)/gm),
    ].map(([, name]) => name),
  );
  const missing = [];
  for (const { entry, text, forgotten } of reports) {
    writeFileSync(join(target, `${entry}.api.md`), text);
    for (const name of forgotten) if (!main.has(name)) missing.push(`${name}, which ${entry} uses`);
  }
  if (missing.length > 0) {
    console.error(`Public signatures use types that no entry exports: ${missing.join('; ')}.`);
    process.exitCode = 1;
  }
} finally {
  rmSync(temporary, { recursive: true });
}
