/* amalgam.c -- sqlite3 and its driver as one object that can be linked many times over, for modules of any size.
 *
 * Everything is static except the entry, which is weak: the linker takes the first entry and keeps the code of all
 * copies when it is told not to collect sections. Compiled with the flags of the corpus (see measures/scale.ts).
 */
#define SQLITE_API static
#define SQLITE_PRIVATE static
#include "sqlite3.c"
#pragma weak workload
#pragma weak main
#include "../../test/corpora/drivers/sqlite3.c"
