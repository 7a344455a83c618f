/* A lost block points into the middle of another block, which is lost with it, not possibly lost. */
#include "leaks.h"

struct view {
  char *start;
};

static NOINLINE void run(void) {
  struct view *view = malloc(sizeof *view); /* expect: definite 1 block 4|8 bytes with 80 */
  char *text = malloc(80); /* expect: indirect 1 block 80 bytes */
  view->start = text + 40;
#ifdef FIXED
  free(view->start - 40);
  free(view);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
