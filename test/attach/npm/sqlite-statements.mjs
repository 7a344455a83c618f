// What both packages of SQLite do: tables, text, blobs, an index.

export const STATEMENTS = [
  'CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT, data BLOB)',
  'CREATE INDEX by_text ON word (text)',
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO word SELECT i, 'word ' || (i * 7919 % 1000), zeroblob(i) FROM n",
  'DELETE FROM word WHERE id % 3 = 0',
  "UPDATE word SET text = text || '!' WHERE id % 5 = 0",
];
export const QUESTION =
  'SELECT count(*), sum(length(data)), min(text), max(text), group_concat(id) FROM (SELECT * FROM word ORDER BY text)';
