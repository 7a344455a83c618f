/* The pair of struct-copy-leak. expect: clean */
#include "leaks.h"

struct message {
  char *body;
};

static NOINLINE struct message quote(struct message message) {
  char *body = malloc(22);
  body[0] = '>';
  body[1] = message.body[0];
  message.body = body;
  return message;
}

static NOINLINE void run(void) {
  struct message original = {malloc(20)};
  original.body[0] = 'a';
  struct message reply = quote(original);
  free(reply.body);
  free(original.body);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
