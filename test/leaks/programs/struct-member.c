/* The struct is freed, but a member that it owns is not. */
#include "leaks.h"

struct person {
  char *name, *town;
};

static NOINLINE struct person *make(void) {
  struct person *person = malloc(sizeof *person);
  person->name = malloc(17);
  person->town = malloc(19); /* expect: definite 1 block 19 bytes */
  return person;
}

static NOINLINE void run(void) {
  struct person *person = make();
  free(person->name);
#ifdef FIXED
  free(person->town);
#endif
  free(person);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
