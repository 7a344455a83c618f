/* library.c -- functions that a host calls: allocation, traps, exits, recursion, bad frees, calls back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct node {
  struct node *next;
  char *name;
} node;

static node *head;

static char *copy(const char *text) {
  char *result = malloc(strlen(text) + 1);
  return result ? strcpy(result, text) : 0;
}

int sum(int a, int b) { return a + b; }
int zero(void) { return 0; }
double mean(double a, double b) { return (a + b) / 2; }
int64_t wide(int64_t a, int b) { return a * b; }
int five(int a, int b, int c, int d, int e) { return a + 10 * b + 100 * c + 1000 * d + 10000 * e; }

void add(const char *name) {
  node *one = malloc(sizeof *one);
  one->name = copy(name);
  one->next = head;
  head = one;
}

int count(void) {
  int result = 0;
  for (node *one = head; one; one = one->next) result++;
  return result;
}

void clear(void) {
  while (head) {
    node *next = head->next;
    free(head->name);
    free(head);
    head = next;
  }
}

void *take(size_t size) { return malloc(size); }
void give(void *block) { free(block); }

static int fall(int depth) {
  if (depth == 0) __builtin_trap();
  volatile int rest = fall(depth - 1);
  return rest + 1;
}

int trap(int depth) { return fall(depth); }

/* A trap right after allocations, with a deep stack of calls below. */
int trap_after(int blocks) {
  for (int i = 0; i < blocks; i++) add("lost");
  return fall(3);
}

int out_of_bounds(void) { return *(volatile int *)0xfffffff0u; }

void leave(int code) { exit(code); }

void free_twice(void) {
  char *block = malloc(24);
  free(block);
  free(block);
}

void free_inside(void) {
  char *block = malloc(24);
  free(block + 8);
  free(block);
}

/* Allocates at the bottom of a recursion. The engine's stack holds some tens of thousands of frames. */
int dig(int depth) {
  if (depth == 0) return add("deep"), 1;
  volatile int rest = dig(depth - 1);
  return rest + 1;
}

/* The same without a byte of C stack per call, so that only the engine's stack limits its depth. */
static volatile int last;
int sink(int depth) {
  if (depth == 0) return add("deep"), 1;
  last = sink(depth - 1) + 1;
  return last;
}

/* Takes blocks until there are none, then gives them back. */
int exhaust(int size) {
  void **last = 0;
  int blocks = 0;
  for (;;) {
    void **block = malloc(size);
    if (!block) break;
    *block = last;
    last = block;
    blocks++;
  }
  while (last) {
    void **next = *last;
    free(last);
    last = next;
  }
  return blocks;
}
