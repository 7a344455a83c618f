/* leaks.h -- the parts that the programs of this folder share. Each program shows one way to lose, keep or misuse heap
 * memory, and says in comments on its lines what a leak checker must find there (test/support/leak-programs.ts explains
 * the words). Each program is built twice: as it stands, and with -DFIXED, as somebody who has found the fault would
 * leave it. In the fixed build a checker must find nothing.
 * The programs judge checkers, so their results must not depend on luck: functions that drop pointers are not
 * inlined, and main clears the dead stack before it returns, because a conservative checker of native code would
 * take a stale copy of a pointer for a live one. */
#ifndef LEAKS_H
#define LEAKS_H

#define _GNU_SOURCE 1
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The function keeps a frame of its own at every level of optimisation. */
#define NOINLINE __attribute__((noinline))

/* A variable that is a root: the compiler keeps its stores although nothing reads it. */
#define ROOT static __attribute__((used))

#ifndef __cplusplus
/* Not every libc declares these. */
void *memalign(size_t alignment, size_t size);
void *reallocarray(void *block, size_t count, size_t size);
#endif

/* Overwrites the remains of finished calls on the stack. */
static NOINLINE __attribute__((unused)) void clear_stack(void) {
  volatile unsigned char dead[16384];
  for (size_t i = 0; i < sizeof dead; i++) dead[i] = 0;
}

#endif
