/* constructor.c -- fails before anybody has called anything. */
#include <stdlib.h>

static void *kept;

__attribute__((constructor)) static void begin(void) {
  kept = malloc(64);
#ifdef TRAP
  __builtin_trap();
#endif
#ifdef EXIT
  exit(4);
#endif
#ifdef FREE_TWICE
  free(kept);
  free(kept);
#endif
}

int holds(void) { return kept != 0; }
