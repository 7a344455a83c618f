// Reads the dependency file that clang writes with -MD: a make rule whose prerequisites are escaped for make.

/** The files that a compilation read, in clang's order: the source first. */
export function parseDepfile(text: string): string[] {
  // The target ends at the first colon that is followed by white space. The colon of a drive letter is not.
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
