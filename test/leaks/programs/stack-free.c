/* The program frees a local array.
 * Fixed: large texts are on the heap, small ones on the stack, and only the heap is freed. */
#include "leaks.h"

#ifndef FIXED
static NOINLINE void dispose(char *text) {
  free(text); /* expect: foreign-free local */
}

#endif
static NOINLINE void run(void) {
#ifdef FIXED
  for (size_t size = 16; size <= 64; size += 48) {
    char local[32];
    char *volatile text = size <= sizeof local ? local : malloc(size);
    text[0] = 'x';
    if (text != local) free(text);
  }
#else
  char local[32] = "on the stack";
  char *volatile text = local;
  dispose(text);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
