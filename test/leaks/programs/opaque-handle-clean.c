/* The pair of opaque-handle-leak. expect: clean */
#include "leaks.h"

struct session {
  int32_t state[8];
};

ROOT struct session *sessions[4];

static NOINLINE int open_session(void) {
  for (int handle = 0; handle < 4; handle++) {
    if (sessions[handle] != NULL) continue;
    sessions[handle] = calloc(1, sizeof(struct session));
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
  close_session(b);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
