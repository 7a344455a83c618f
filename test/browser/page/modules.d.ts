// The packages that the page uses: one comes from npm when the test runs, the other one is linked by emcc.

declare module '@sqlite.org/sqlite-wasm' {
  const create: () => Promise<never>;
  export default create;
}
declare module '*/package.mjs' {
  const create: () => Promise<never>;
  export default create;
}
