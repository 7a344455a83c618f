/* The pair of counted-string-leak. expect: clean */
#include "leaks.h"

#include <stddef.h>

struct string {
  size_t length, capacity, references;
  char text[];
};

ROOT char *text;

static NOINLINE char *make_text(const char *characters) {
  size_t length = strlen(characters), capacity = 2 * length;
  struct string *string = malloc(sizeof *string + capacity + 1);
  string->length = length;
  string->capacity = capacity;
  string->references = 1;
  strcpy(string->text, characters);
  return string->text;
}

static NOINLINE void run(void) {
  text = make_text("characters!");
  free(text - offsetof(struct string, text));
  text = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
