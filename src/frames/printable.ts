// Names for terminals. They come from debug information and from files, so they may contain anything.

/** The text without control characters, because an escape sequence in a name must not reach the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '�');
}
