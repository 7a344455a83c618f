// quick_exit calls the functions of at_quick_exit, in reverse order, and none of atexit.
#include <stdio.h>
#include <stdlib.h>

static void last(void) { puts("last"); fflush(stdout); }
static void first(void) { puts("first"); fflush(stdout); }
static void never(void) { puts("never"); }

int main(void) {
  atexit(never);
  at_quick_exit(last);
  at_quick_exit(first);
  puts("before");
  fflush(stdout);
  quick_exit(7);
}
