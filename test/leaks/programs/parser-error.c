/* A parser builds a tree and gives up at a syntax error: the part that it has built is dropped. The outer list holds
 * the inner one, which holds the atoms.
 * Fixed: a failed parse frees its tree. */
#include "leaks.h"

struct expression {
  struct expression *first, *next;
  char atom[8];
};

#ifdef FIXED
static NOINLINE void destroy(struct expression *expression) {
  while (expression != NULL) {
    struct expression *next = expression->next;
    destroy(expression->first);
    free(expression);
    expression = next;
  }
}
#else
static NOINLINE struct expression *make(void) {
  return calloc(1, sizeof(struct expression)); /* expect: definite 2 blocks 32|48 bytes with 32|48, indirect 2 blocks 32|48 bytes */
}
#endif

static NOINLINE struct expression *parse(const char **text) {
#ifdef FIXED
  struct expression *expression = calloc(1, sizeof *expression);
#else
  struct expression *expression = make();
#endif
  if (**text != '(') {
    expression->atom[0] = *(*text)++;
    return expression;
  }
  ++*text;
  struct expression **link = &expression->first;
  while (**text != ')') {
#ifdef FIXED
    if (**text == '\0' || (*link = parse(text)) == NULL) {
      destroy(expression);
      return NULL;
    }
#else
    if (**text == '\0') return NULL;
    *link = parse(text);
    if (*link == NULL) return NULL;
#endif
    link = &(*link)->next;
  }
  ++*text;
  return expression;
}

static NOINLINE void run(void) {
  const char *text = "(a(b";
#ifdef FIXED
  destroy(parse(&text));
  text = "(a(bc)d)";
  destroy(parse(&text));
#else
  parse(&text);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
