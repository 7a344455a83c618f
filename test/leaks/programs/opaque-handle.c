/* Handles are numbers, and the objects are in a table: an object that is not closed stays reachable. */
#include "leaks.h"

struct session {
  int32_t state[8];
};

ROOT struct session *sessions[4];

static NOINLINE int open_session(void) {
  for (int handle = 0; handle < 4; handle++) {
    if (sessions[handle] != NULL) continue;
    sessions[handle] = calloc(1, sizeof(struct session)); /* expect: reachable 1 block 32 bytes */
    return handle;
  }
  return -1;
}

static NOINLINE void close_session(int handle) {
  free(sessions[handle]);
  sessions[handle] = NULL;
}

static NOINLINE void run(void) {
  int a = open_session();
  int b = open_session();
  close_session(a);
#ifdef FIXED
  close_session(b);
#else
  (void)b;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
