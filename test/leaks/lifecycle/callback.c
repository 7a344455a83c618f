/* A local variable has the only pointer to a block while the host is asked to look. */
#include <stdlib.h>

__attribute__((import_module("env"), import_name("look"))) void look(void);

void hold_in_local(int size) {
  char *volatile block = malloc(size);
  look();
  free(block);
}
