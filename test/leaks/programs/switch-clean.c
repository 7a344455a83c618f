/* The pair of switch-leak. expect: clean */
#include "leaks.h"

static NOINLINE void handle(int kind) {
  char *message = malloc(40);
  message[0] = (char)kind;
  switch (kind) {
    case 2:
      message[0] = '?';
      break;
    default:
      break;
  }
  free(message);
}

static NOINLINE void run(void) {
  for (int kind = 0; kind < 4; kind++) handle(kind);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
