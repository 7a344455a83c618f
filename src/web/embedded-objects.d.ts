// The build of the package replaces an object file by this module (scripts/embed-objects.ts).

declare module '*.o' {
  /** The file in the gzip format, in base64. */
  const text: string;
  export default text;
}
