/* A string literal is given to free.
 * differs(lsan): AddressSanitizer marks the bytes before the pointer as freed and crashes on read-only memory.
 * Fixed: a copy may be freed. */
#include "leaks.h"

static NOINLINE void run(void) {
#ifdef FIXED
  char *volatile text = strdup("a literal that nobody allocated");
#else
  char *volatile text = "a literal that nobody allocated";
#endif
  free(text); /* expect: foreign-free literal */
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
