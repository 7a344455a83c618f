/* An exchange of two buffers that forgets one of them: afterwards both variables name the same block. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *front = malloc(70); /* expect: definite 1 block 70 bytes */
  char *back = malloc(71);
  front[0] = back[0] = 'b';
  front = back;
  back = front;
  free(back);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
