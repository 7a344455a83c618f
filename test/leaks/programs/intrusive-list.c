/* The links of an intrusive list lie in the middle of their objects: all objects of a list that is still in use look
 * possibly lost. */
#include "leaks.h"
#ifdef FIXED

#include <stddef.h>
#endif

struct link {
  struct link *next;
};

struct object {
  int32_t id[4];
  struct link link;
};

ROOT struct link *objects;

static NOINLINE void add(int id) {
  struct object *object = malloc(sizeof *object); /* expect: possible 3 blocks 60|72 bytes */
  object->id[0] = id;
#ifndef FIXED
  object->id[1] = object->id[2] = object->id[3] = 0;
#endif
  object->link.next = objects;
  objects = &object->link;
}

static NOINLINE void run(void) {
  for (int id = 1; id <= 3; id++) add(id);
#ifdef FIXED
  while (objects != NULL) {
    struct object *object = (struct object *)((char *)objects - offsetof(struct object, link));
    objects = objects->next;
    free(object);
  }
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
