/* A parser builds a tree and gives up at a syntax error: the part that was built is dropped. The outer list holds
 * the inner one, which holds the atoms. */
#include "leaks.h"

struct expression {
  struct expression *first, *next;
  char atom[8];
};

static NOINLINE struct expression *make(void) {
  return calloc(1, sizeof(struct expression)); /* expect: definite 2 blocks 32|48 bytes, indirect 2 blocks 32|48 bytes */
}

static NOINLINE struct expression *parse(const char **text) {
  struct expression *expression = make();
  if (**text != '(') {
    expression->atom[0] = *(*text)++;
    return expression;
  }
  ++*text;
  struct expression **link = &expression->first;
  while (**text != ')') {
    if (**text == '\0') return NULL;
    *link = parse(text);
    if (*link == NULL) return NULL;
    link = &(*link)->next;
  }
  ++*text;
  return expression;
}

static NOINLINE void run(void) {
  const char *text = "(a(b";
  parse(&text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
