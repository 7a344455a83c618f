/* The pair of queue-leak. expect: clean */
#include "leaks.h"

struct item {
  struct item *next;
  char body[12];
};

struct queue {
  struct item *first, **last;
};

static NOINLINE void put(struct queue *queue) {
  struct item *item = malloc(sizeof *item);
  item->next = NULL;
  *queue->last = item;
  queue->last = &item->next;
}

static NOINLINE void take(struct queue *queue) {
  struct item *item = queue->first;
  queue->first = item->next;
  if (queue->first == NULL) queue->last = &queue->first;
  free(item);
}

static NOINLINE void run(void) {
  struct queue queue = {NULL, &queue.first};
  for (int i = 0; i < 6; i++) put(&queue);
  while (queue.first != NULL) take(&queue);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
