/* Half of a queue on the stack is drained; the remaining blocks are lost with the queue. */
#include "leaks.h"

struct item {
  struct item *next;
  char body[12];
};

struct queue {
  struct item *first, **last;
};

static NOINLINE void put(struct queue *queue) {
  struct item *item = malloc(sizeof *item); /* expect: definite 1 block 16|24 bytes with 32|48, indirect 2 blocks 32|48 bytes */
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
#ifdef FIXED
  while (queue.first != NULL) take(&queue);
#else
  for (int i = 0; i < 3; i++) take(&queue);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
