// A library for the tests of heapline/core: it keeps blocks, loses blocks, prints, asks for the time, and traps.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct node {
  struct node *next;
  char text[44];
};

static struct node *head;

static struct node *make_node(void) { return malloc(sizeof(struct node)); }

int build(int count) {
  for (int i = 0; i < count; i++) {
    struct node *node = make_node();
    node->next = head;
    head = node;
  }
  printf("built %d\n", count);
  fflush(stdout);
  return count;
}

int lose(int count) {
  volatile char *block = 0;
  for (int i = 0; i < count; i++) block = malloc(100);
  return block != 0;
}

int year(void) {
  time_t now = time(0);
  return gmtime(&now)->tm_year + 1900;
}

int crash(void) { __builtin_trap(); }
