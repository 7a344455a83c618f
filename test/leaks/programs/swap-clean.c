/* The pair of swap-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *front = malloc(70);
  char *back = malloc(71);
  front[0] = back[0] = 'b';
  char *spare = front;
  front = back;
  back = spare;
  free(back);
  free(front);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
