/* A struct is copied, and the copy gets memory of its own, which nobody frees. */
#include "leaks.h"

struct message {
  char *body;
};

static NOINLINE struct message quote(struct message message) {
  char *body = malloc(22); /* expect: definite 1 block 22 bytes */
  body[0] = '>';
  body[1] = message.body[0];
  message.body = body;
  return message;
}

static NOINLINE void run(void) {
  struct message original = {malloc(20)};
  original.body[0] = 'a';
  struct message reply = quote(original);
#ifdef FIXED
  free(reply.body);
#else
  reply.body[2] = '\0';
#endif
  free(original.body);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
