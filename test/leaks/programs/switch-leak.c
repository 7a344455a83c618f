/* One case of a switch hands its block to nobody. */
#include "leaks.h"

static NOINLINE void handle(int kind) {
  char *message = malloc(40); /* expect: definite 1 block 40 bytes */
  message[0] = (char)kind;
  switch (kind) {
    case 0:
    case 1:
      free(message);
      break;
    case 2:
      message[0] = '?';
      break;
    default:
      free(message);
  }
}

static NOINLINE void run(void) {
  for (int kind = 0; kind < 4; kind++) handle(kind);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
