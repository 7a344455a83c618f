/* LeakSanitizer's interface: each function, and whether there are leaks after it. */
#include <sanitizer/lsan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

const char *__lsan_default_suppressions(void) { return "# known\nleak:known_leak\n"; }

/* Memory that is no root by itself, because its address is kept as its complement. */
static uintptr_t region;
static char output[1024];

static NOINLINE void clear_stack(void) {
  volatile char room[8192];
  for (unsigned i = 0; i < sizeof room; i++) room[i] = 0;
}

static NOINLINE void leak(void) { *(volatile char *)malloc(10) = 1; }
static NOINLINE void known_leak(void) { *(volatile char *)malloc(20) = 1; }

static NOINLINE void ignore_object(void) {
  void **block = malloc(2 * sizeof *block);
  block[0] = malloc(30);
  block[1] = NULL;
  __lsan_ignore_object(block);
}

static NOINLINE void disabled(void) {
  __lsan_disable();
  leak();
  __lsan_disable();
  leak();
  __lsan_enable();
  leak();
  void *grown = realloc(malloc(10), 5000);
  *(volatile char *)grown = 1;
  __lsan_enable();
}

#define REGION ((void **)~region)
static NOINLINE void make_region(void) {
  region = ~(uintptr_t)malloc(64);
  __lsan_ignore_object(REGION);
  for (int i = 0; i < 8; i++) REGION[i] = NULL;
}

/* A block to which only memory outside of the heap's blocks points: static memory that is written as a complement. */
static uintptr_t hidden;
static void *slot;
static NOINLINE void in_region(void) { slot = malloc(50); }
static NOINLINE void out_of_region(void) { slot = NULL; }

static NOINLINE void freed_and_again(void) {
  void *block = malloc(40);
  __lsan_ignore_object(block);
  free(block);
  hidden = (uintptr_t)block;
  hidden = 0;
}

static void check(const char *title) {
  clear_stack();
  printf("%s %d\n", title, __lsan_do_recoverable_leak_check());
}

int main(int argc, char **argv) {
  (void)argv;
  setvbuf(stdout, output, _IOFBF, sizeof output);
  check("start");
  ignore_object();
  check("ignore_object");
  disabled();
  check("disabled");
  known_leak();
  check("known_leak");
  make_region();
  check("make_region");
  freed_and_again();
  check("freed_and_again");
  in_region();
  check("in_region");
  if (argc > 1) {
    out_of_region();
    check("out_of_region");
  }
  fflush(stdout);
  if (argc > 2) {
    leak();
    clear_stack();
    __lsan_do_leak_check();
    printf("not reached\n");
  }
  return 0;
}
