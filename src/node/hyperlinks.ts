// Links from the lines of reports and tables to the lines of sources, for terminals that show them (OSC 8,
// https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda). Only paths of files that exist become links. The list
// of terminals is short, so it needs no package: supports-hyperlinks brings two more.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** A place behind a function: `parse (src/list.c:12:3)`. */
const PLACE = /(?<= \()([^\s():][^():]*):(\d+)(?::\d+)?(?=\))/g;

/** What stands behind a place at the end of a table's row: `parse src/list.c:12 (inline)`. */
const LINE_OF_ROW = /:(\d+)(?=(?: \((?:partial-)?inline\)| {2}\(\d+ smaller or deeper left out\))?$)/;
/** Names and paths may contain blanks. A path is looked for behind so many of them. */
const MOST_WORDS = 16;

const PROGRAMS = /^(?:iTerm\.app|WezTerm|vscode|ghostty|Hyper|Tabby|zed|rio)$/;
const TERMINALS = /^(?:xterm-kitty|xterm-ghostty|alacritty|foot|foot-extra|contour)$/;
/** The first version of the library of GNOME's terminals that shows links without faults. */
const VTE = 5000;

/** Lines with a longer text have names that are no names, and would take long. */
const LONGEST_LINE = 2000;

/** Whether the terminal shows links. FORCE_HYPERLINK decides where it is set. */
export function showsLinks(isTerminal: boolean, environment: NodeJS.ProcessEnv): boolean {
  const { FORCE_HYPERLINK: forced, TERM: term = '', TERM_PROGRAM: program = '' } = environment;
  if (forced !== undefined && forced !== '') return forced !== '0';
  if (!isTerminal || environment.CI || environment.NO_COLOR || term === 'dumb') return false;
  return (
    PROGRAMS.test(program) ||
    TERMINALS.test(term) ||
    Number(environment.VTE_VERSION) >= VTE ||
    ['WT_SESSION', 'KITTY_WINDOW_ID', 'KONSOLE_VERSION', 'DOMTERM'].some((name) => environment[name])
  );
}

/** The text with links to the lines of the files that it names. Relative paths are below `root`. */
export function linked(text: string, root: string): string {
  const urls = new Map<string, string | null>();
  const urlOf = (file: string): string | null => {
    let url = urls.get(file);
    if (url === undefined) {
      const absolute = path.resolve(root, file);
      url = existsSync(absolute) ? pathToFileURL(absolute).href : null;
      urls.set(file, url);
    }
    return url;
  };
  const linkTo = (url: string, line: string, text: string): string =>
    `\x1b]8;;${url}#${line}\x1b\\${text}\x1b]8;;\x1b\\`;
  const linkedPlaces = (line: string): string =>
    line.replace(PLACE, (place, file: string, at: string) => {
      const url = urlOf(file);
      return url === null ? place : linkTo(url, at, place);
    });
  const linkedRow = (line: string): string => {
    const found = LINE_OF_ROW.exec(line);
    if (found === null) return line;
    const [colon, at] = found as unknown as [string, string];
    for (const start of wordStarts(line.slice(0, found.index))) {
      const file = line.slice(start, found.index);
      const url = urlOf(file);
      if (url === null) continue;
      return line.slice(0, start) + linkTo(url, at, file + colon) + line.slice(found.index + colon.length);
    }
    return line;
  };
  const linkedLine = (line: string): string =>
    line.length > LONGEST_LINE ? line : linkedRow(linkedPlaces(line));
  return text.split('\n').map(linkedLine).join('\n');
}

/** Where the last words of a text begin, the longest rest first. */
function wordStarts(text: string): number[] {
  const starts: number[] = [];
  for (let at = text.length; at > 0 && starts.length < MOST_WORDS; ) {
    at = text.lastIndexOf(' ', at - 1);
    starts.unshift(at + 1);
    if (at < 0) break;
  }
  return starts;
}
