/* A string literal is given to free.
 * differs(lsan): AddressSanitizer marks the bytes before the pointer as freed and crashes on read-only memory. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *volatile text = "a literal that nobody allocated";
  free(text); /* expect: foreign-free literal */
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
