/* The pair of parser-error-leak: a failed parse frees what it made. expect: clean */
#include "leaks.h"

struct expression {
  struct expression *first, *next;
  char atom[8];
};

static NOINLINE void destroy(struct expression *expression) {
  while (expression != NULL) {
    struct expression *next = expression->next;
    destroy(expression->first);
    free(expression);
    expression = next;
  }
}

static NOINLINE struct expression *parse(const char **text) {
  struct expression *expression = calloc(1, sizeof *expression);
  if (**text != '(') {
    expression->atom[0] = *(*text)++;
    return expression;
  }
  ++*text;
  struct expression **link = &expression->first;
  while (**text != ')') {
    if (**text == '\0' || (*link = parse(text)) == NULL) {
      destroy(expression);
      return NULL;
    }
    link = &(*link)->next;
  }
  ++*text;
  return expression;
}

static NOINLINE void run(void) {
  const char *text = "(a(b";
  destroy(parse(&text));
  text = "(a(bc)d)";
  destroy(parse(&text));
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
