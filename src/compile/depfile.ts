// Reads the dependency file that clang writes with -MD: a make rule, its prerequisites escaped as make wants.

/** The files that a compilation read, in clang's order: the source first. */
export function parseDepfile(text: string): string[] {
  // The target ends at the first colon that is followed by white space (a drive letter's is not).
  const colon = /:(?=\s)/.exec(text);
  if (colon === null) return [];
  const body = text.slice(colon.index + 1).replaceAll(/\\\r?\n/g, ' ');
  const rule = /^[^\n]*/.exec(body)?.[0] ?? '';
  const files: string[] = [];
  for (const match of rule.matchAll(/(?:\\[ #]|\$\$|\S)+/g)) {
    files.push(match[0].replaceAll(/\\([ #])/g, '$1').replaceAll('$$', '$'));
  }
  return files;
}
