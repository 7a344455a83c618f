/* tenant.c -- the heap of each sandbox when a service has many of them: 40 blocks in 40 calling contexts. */
#include <stdlib.h>

static void *kept[64];
static unsigned count;

static void keep(unsigned size) { kept[count++ % 64] = malloc(size); }

/* A tree of calls: every path to a leaf is a context of its own. */
static void branch(unsigned depth, unsigned path);
__attribute__((noinline)) static void left(unsigned depth, unsigned path) { branch(depth - 1, 2 * path); }
__attribute__((noinline)) static void right(unsigned depth, unsigned path) { branch(depth - 1, 2 * path + 1); }
__attribute__((noinline)) static void branch(unsigned depth, unsigned path) {
  if (depth == 0) {
    keep(16 + path);
    return;
  }
  left(depth, path);
  right(depth, path);
}

/* 32 contexts, and 8. */
void open_tenant(unsigned tenant) {
  branch(5, tenant % 48);
  branch(3, tenant % 48);
}
