/* A pointer that has moved on is freed; the block itself stays and is lost. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *text = malloc(56); /* expect: allocated text */ /* expect: definite 1 block 56 bytes */
  strcpy(text, "   text");
#ifdef FIXED
  char *word = text;
  while (*word == ' ') word++;
#else
  while (*text == ' ') text++;
#endif
  free(text); /* expect: interior-free text */
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
