/* One case of a switch passes its block to nobody. */
#include "leaks.h"

static NOINLINE void handle(int kind) {
  char *message = malloc(40); /* expect: definite 1 block 40 bytes */
  message[0] = (char)kind;
  switch (kind) {
#ifndef FIXED
    case 0:
    case 1:
      free(message);
      break;
#endif
    case 2:
      message[0] = '?';
      break;
    default:
#ifdef FIXED
      break;
#else
      free(message);
#endif
  }
#ifdef FIXED
  free(message);
#endif
}

static NOINLINE void run(void) {
  for (int kind = 0; kind < 4; kind++) handle(kind);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
