/* The length, capacity and reference count of a string come before its characters, as in old C++ libraries. The program
 * keeps only a pointer to the characters. Valgrind knows this layout and takes the block as reachable. */
#include "leaks.h"
#ifdef FIXED

#include <stddef.h>
#endif

struct string {
  size_t length, capacity, references;
  char text[];
};

ROOT char *text;

static NOINLINE char *make_text(const char *characters) {
  size_t length = strlen(characters), capacity = 2 * length;
  struct string *string = malloc(sizeof *string + capacity + 1); /* expect: reachable 1 block 35|47 bytes */
  string->length = length;
  string->capacity = capacity;
  string->references = 1;
  strcpy(string->text, characters);
  return string->text;
}

static NOINLINE void run(void) {
  text = make_text("characters!");
#ifdef FIXED
  free(text - offsetof(struct string, text));
  text = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
