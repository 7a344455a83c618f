/* The pair of stack-free-bad: heap for the large, stack for the small. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  for (size_t size = 16; size <= 64; size += 48) {
    char local[32];
    char *volatile text = size <= sizeof local ? local : malloc(size);
    text[0] = 'x';
    if (text != local) free(text);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
