/* What the files of csrc/posix/ share: the mark of every function that they provide, and how one says that WASI has
 * nothing like it. */
#ifndef HEAPLINE_PROVIDED_H
#define HEAPLINE_PROVIDED_H

#include <errno.h>

/* A program may bring its own function of the same name. */
#define PROVIDED __attribute__((weak))

/* Fails as a system call does that the system does not have. */
static inline int absent(void) {
  errno = ENOSYS;
  return -1;
}

static inline void *absent_pointer(void) {
  errno = ENOSYS;
  return 0;
}

/* Who the process is, as the host says it (program.c). */
struct identity {
  int process, parent;
  unsigned user, effective_user, group, effective_group, mask;
};
extern struct identity hl_identity;

#endif
