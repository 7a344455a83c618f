/* The pair of struct-member-leak. expect: clean */
#include "leaks.h"

struct person {
  char *name, *town;
};

static NOINLINE struct person *make(void) {
  struct person *person = malloc(sizeof *person);
  person->name = malloc(17);
  person->town = malloc(19);
  return person;
}

static NOINLINE void run(void) {
  struct person *person = make();
  free(person->name);
  free(person->town);
  free(person);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
