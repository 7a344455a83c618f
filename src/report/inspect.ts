// The property by which an object says how console.log() shows it. Node.js, Deno and Bun read it.

export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
