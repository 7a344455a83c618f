// @sqlite.org/sqlite-wasm, which counts its own memory.

import { loaders } from './load.mjs';
import { QUESTION, STATEMENTS } from './sqlite-statements.mjs';

export async function use(folder) {
  const { default: start } = await loaders(folder).load('@sqlite.org/sqlite-wasm/node.mjs');
  const sqlite3 = await start({ print() {}, printErr() {} });
  const db = new sqlite3.oo1.DB(':memory:');
  for (const statement of STATEMENTS) db.exec(statement);
  const result = db.exec({ sql: QUESTION, returnValue: 'resultRows' });
  return { result, keep: db, used: () => memoryUsed(sqlite3) };
}

/** The answer's place is a block of SQLite's, too, and not in use any more afterwards. */
function memoryUsed({ capi, wasm }) {
  return wasm.scopedAllocCall(() => {
    const place = wasm.scopedAlloc(16);
    capi.sqlite3_status64(capi.SQLITE_STATUS_MEMORY_USED, place, place + 8, 0);
    return Number(wasm.peek(place, 'i64')) - 16;
  });
}
