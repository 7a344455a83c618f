// sql.js, its release build.

import { loaders } from './load.mjs';
import { QUESTION, STATEMENTS } from './sqlite-statements.mjs';

export async function use(folder) {
  const SQL = await loaders(folder).require('sql.js/dist/sql-wasm.js')();
  const db = new SQL.Database();
  for (const statement of STATEMENTS) db.run(statement);
  const [{ values }] = db.exec(QUESTION);
  return { result: values, keep: db };
}
