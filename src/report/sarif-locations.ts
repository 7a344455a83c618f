// Frames and stacks as SARIF has them: locations, stacks, and related locations.

import { type Frame, gapText, isBelow, isGap, relativePath, type Stack } from '../frames/index.ts';
import { platform } from '../platform/index.ts';
import { sentence } from './sarif-rules.ts';
import type { ReportStacks } from './stacks.ts';

/** Name in `originalUriBaseIds` of the folder to which paths are relative. */
export const ROOT_ID = 'SRCROOT';

/**
 * The properties of a result that say where it is.
 * @param titled the stacks with their titles; the first one is that of the result
 * @param location writes a frame as a location
 */
export function places(
  titled: readonly (readonly [string, Stack])[],
  stacks: ReportStacks,
  location: (frame: Frame) => object,
): object {
  const place = stacks.place(titled[0]![1]);
  // Readers that do not show stacks get the frames a second time. Of thousands of results, only the first ones do so.
  const again = stacks.plenty;
  const shown = titled.map(([title, stack]) => [title, stacks.shown(stack)] as const);
  const related = (again ? shown : []).flatMap(([title, items]) =>
    items.flatMap((item) =>
      isGap(item) || item.file === '' || item.line === 0
        ? []
        : [{ ...location(item), message: { text: `${title}: ${stacks.text(item)}` } }],
    ),
  );
  return {
    locations: place === null ? [] : [location(place)],
    stacks: shown.map(([title, items]) => ({
      message: { text: sentence(title) },
      frames: items.map((item) => ({
        // A location that has no place is a remark (SARIF 3.28.5).
        location: isGap(item) ? { message: { text: `… ${gapText(item)}` } } : location(item),
      })),
    })),
    relatedLocations: related.map((entry, id) => ({ id, ...entry })),
  };
}

/** A frame as a SARIF location. */
export function locationOf(frame: Frame, root: string | undefined): object {
  const logical = { logicalLocations: [{ name: frame.function, kind: 'function' }] };
  if (frame.file === '') return logical;
  const region = {
    ...(frame.line > 0 ? { startLine: frame.line } : {}),
    ...(frame.line > 0 && frame.column > 0 ? { startColumn: frame.column } : {}),
  };
  return {
    physicalLocation: {
      artifactLocation: artifact(frame.file, root),
      ...(frame.line > 0 ? { region } : {}),
    },
    ...logical,
  };
}

const escaped = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

// SARIF wants URI references: relative ones for files below the root, absolute ones for files outside of it.
function artifact(file: string, root: string | undefined): object {
  const path = relativePath(file, root);
  if (path.startsWith('/')) return { uri: platform().fileUrl(path) };
  const drive = isBelow(file, root) ? null : /^([A-Za-z]:)(\/.*)$/s.exec(path);
  if (drive !== null) return { uri: `file:///${drive[1]}${escaped(drive[2]!)}` };
  // The name of a folder below the root may look like a scheme.
  if (!isBelow(file, root) && /^[A-Za-z][A-Za-z0-9+.-]+:/.test(path)) return { uri: encodeURI(path) };
  const uri = escaped(path);
  return root === undefined ? { uri } : { uri, uriBaseId: ROOT_ID };
}
