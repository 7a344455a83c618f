/* An exchange of two buffers forgets one of them: afterwards both variables name the same block. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *front = malloc(70); /* expect: definite 1 block 70 bytes */
  char *back = malloc(71);
  front[0] = back[0] = 'b';
#ifdef FIXED
  char *spare = front;
#endif
  front = back;
#ifdef FIXED
  back = spare;
#else
  back = front;
#endif
  free(back);
#ifdef FIXED
  free(front);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
