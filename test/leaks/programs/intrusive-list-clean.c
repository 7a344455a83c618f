/* The pair of intrusive-list-leak. expect: clean */
#include "leaks.h"

#include <stddef.h>

struct link {
  struct link *next;
};

struct object {
  int32_t id[4];
  struct link link;
};

ROOT struct link *objects;

static NOINLINE void add(int id) {
  struct object *object = malloc(sizeof *object);
  object->id[0] = id;
  object->link.next = objects;
  objects = &object->link;
}

static NOINLINE void run(void) {
  for (int id = 1; id <= 3; id++) add(id);
  while (objects != NULL) {
    struct object *object = (struct object *)((char *)objects - offsetof(struct object, link));
    objects = objects->next;
    free(object);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
