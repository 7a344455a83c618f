/* Driver for sqlite3: a shop's database in memory. It has a schema with indices, a view and a trigger; prepared inserts
 * in transactions; joins, grouping, ordering, text functions, JSON; updates, deletes, a rollback, VACUUM. */

#include "driver.h"
#include "sqlite3.h"

/* The operating system as far as a database in memory needs it: no files, and a clock that stands still. */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out) {
  (void)vfs, (void)name, (void)flags, (void)out;
  file->pMethods = NULL;
  return SQLITE_CANTOPEN;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs, (void)name, (void)sync;
  return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
  (void)vfs, (void)name, (void)flags;
  *result = 0;
  return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
  (void)vfs;
  snprintf(out, (size_t)size, "%s", name);
  return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out) {
  uint32_t seed = 99;
  (void)vfs;
  for (int i = 0; i < size; i++) out[i] = (char)random_next(&seed);
  return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *julian) {
  (void)vfs;
  *julian = 2460000.5;
  return SQLITE_OK;
}

int sqlite3_os_init(void) {
  static sqlite3_vfs vfs = {.iVersion = 1,
                            .szOsFile = sizeof(sqlite3_file),
                            .mxPathname = 100,
                            .zName = "none",
                            .xOpen = vfs_open,
                            .xDelete = vfs_delete,
                            .xAccess = vfs_access,
                            .xFullPathname = vfs_full_path,
                            .xRandomness = vfs_randomness,
                            .xSleep = vfs_sleep,
                            .xCurrentTime = vfs_time};
  return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void) { return SQLITE_OK; }

static void check(sqlite3 *database, int result) {
  if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE) fail(sqlite3_errmsg(database));
}

static void execute(sqlite3 *database, const char *sql) {
  check(database, sqlite3_exec(database, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql) {
  sqlite3_stmt *statement;
  check(database, sqlite3_prepare_v2(database, sql, -1, &statement, NULL));
  return statement;
}

static uint32_t query(sqlite3 *database, const char *sql, uint32_t sum) {
  sqlite3_stmt *statement = prepare(database, sql);
  int result;
  while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
      const char *text = (const char *)sqlite3_column_text(statement, i);
      sum = checksum_text(sum, text == NULL ? "NULL" : text);
    }
  }
  check(database, result);
  sqlite3_finalize(statement);
  return sum;
}

static const char schema[] =
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, note TEXT);"
    "CREATE TABLE item (id INTEGER PRIMARY KEY, title TEXT UNIQUE, price INTEGER CHECK (price > 0), tags TEXT);"
    "CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customer, item INTEGER REFERENCES item,"
    "  amount INTEGER, day TEXT);"
    "CREATE TABLE audit (what TEXT, id INTEGER);"
    "CREATE INDEX customer_city ON customer (city, name);"
    "CREATE INDEX purchase_customer ON purchase (customer, day);"
    "CREATE INDEX purchase_item ON purchase (item) WHERE amount > 1;"
    "CREATE VIEW turnover AS SELECT c.city AS city, sum(p.amount * i.price) AS total FROM purchase p"
    "  JOIN customer c ON c.id = p.customer JOIN item i ON i.id = p.item GROUP BY c.city;"
    "CREATE TRIGGER removed AFTER DELETE ON purchase BEGIN INSERT INTO audit VALUES ('purchase', old.id); END;";

static void fill(sqlite3 *database, uint32_t *seed) {
  static const char *const cities[] = {"Oslo", "Bergen", "Narvik", "Hamar", "Molde", "Røros", "Vardø"};
  char text[200];
  execute(database, "BEGIN");
  sqlite3_stmt *statement = prepare(database, "INSERT INTO customer (name, city, note) VALUES (?, ?, ?)");
  for (int i = 0; i < 300; i++) {
    snprintf(text, sizeof text, "Customer %u of %u", random_below(seed, 10000), i);
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, cities[random_below(seed, 7)], -1, SQLITE_STATIC);
    memset(text, 'a' + i % 26, 1 + random_below(seed, 150));
    sqlite3_bind_text(statement, 3, text, (int)(1 + random_below(seed, 100)), SQLITE_TRANSIENT);
    check(database, sqlite3_step(statement));
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  statement = prepare(database, "INSERT INTO item (title, price, tags) VALUES (?, ?, json_array(?, ?))");
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "Item %d", i * 17 % 1009);
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 2, 1 + (int)random_below(seed, 500));
    sqlite3_bind_text(statement, 3, i % 2 ? "new" : "used", -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 4, i % 5);
    check(database, sqlite3_step(statement));
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  execute(database, "COMMIT");

  statement = prepare(database, "INSERT INTO purchase (customer, item, amount, day) VALUES (?, ?, ?, ?)");
  for (int batch = 0; batch < 4; batch++) {
    execute(database, "BEGIN");
    for (int i = 0; i < 400; i++) {
      sqlite3_bind_int(statement, 1, 1 + (int)random_below(seed, 300));
      sqlite3_bind_int(statement, 2, 1 + (int)random_below(seed, 100));
      sqlite3_bind_int(statement, 3, 1 + (int)random_below(seed, 4));
      uint32_t month = 1 + random_below(seed, 12);
      snprintf(text, sizeof text, "2026-%02u-%02u", month, 1 + random_below(seed, 28));
      sqlite3_bind_text(statement, 4, text, -1, SQLITE_TRANSIENT);
      check(database, sqlite3_step(statement));
      sqlite3_reset(statement);
    }
    execute(database, "COMMIT");
  }
  sqlite3_finalize(statement);
}

static uint32_t ask(sqlite3 *database, uint32_t sum) {
  static const char *const queries[] = {
      "SELECT * FROM turnover ORDER BY total DESC",
      "SELECT c.name, count(*), max(p.day) FROM customer c LEFT JOIN purchase p ON p.customer = c.id"
      " GROUP BY c.id HAVING count(*) > 5 ORDER BY 2 DESC, 1 LIMIT 40",
      "SELECT title, json_extract(tags, '$[0]'), json_group_array(DISTINCT c.city) FROM item i"
      " JOIN purchase p ON p.item = i.id JOIN customer c ON c.id = p.customer"
      " WHERE i.price BETWEEN 50 AND 200 GROUP BY i.id ORDER BY title",
      "SELECT upper(substr(name, 1, 12)) || ' ' || length(note), replace(city, 'o', '0') FROM customer"
      " WHERE name LIKE '%1%' AND note > 'm' ORDER BY city, name DESC",
      "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 400)"
      " SELECT group_concat(x * x % 97, ',') FROM n",
      "SELECT day, sum(amount) OVER (ORDER BY day, id ROWS 5 PRECEDING), row_number() OVER (PARTITION BY customer"
      " ORDER BY day, id) FROM purchase WHERE item < 20 ORDER BY id",
      "SELECT count(*) FROM purchase WHERE customer IN (SELECT id FROM customer WHERE city = 'Oslo')",
      "SELECT strftime('%m', day), printf('%.2f', avg(amount)) FROM purchase GROUP BY 1 ORDER BY 1",
  };
  for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) sum = query(database, queries[i], sum);
  return sum;
}

int workload(int scale) {
  uint32_t sum = CHECKSUM_START;
  for (int round = 0; round < scale; round++) {
    uint32_t seed = 5u + (uint32_t)round;
    sqlite3 *database;
    if (sqlite3_open(":memory:", &database) != SQLITE_OK) fail("open");
    execute(database, schema);
    fill(database, &seed);
    sum = ask(database, sum);
    execute(database, "UPDATE purchase SET amount = amount + 1 WHERE day LIKE '2026-03-%'");
    execute(database, "BEGIN; DELETE FROM customer; ROLLBACK");
    execute(database, "DELETE FROM purchase WHERE id % 5 = 0");
    execute(database, "VACUUM");
    execute(database, "ANALYZE");
    sum = ask(database, sum);
    sum = query(database, "SELECT what, sum(id), count(*) FROM audit GROUP BY what", sum);
    sum = query(database, "PRAGMA integrity_check", sum);
    if (sqlite3_close(database) != SQLITE_OK) fail("close");
  }
  sqlite3_shutdown();
  return (int)sum;
}

DRIVER_MAIN("sqlite3")
