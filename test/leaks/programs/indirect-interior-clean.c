/* The pair of indirect-interior-leak. expect: clean */
#include "leaks.h"

struct view {
  char *start;
};

static NOINLINE void run(void) {
  struct view *view = malloc(sizeof *view);
  char *text = malloc(80);
  view->start = text + 40;
  free(view->start - 40);
  free(view);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
