/* Objects with a table of functions: one of the two classes has a destructor that does nothing. */
#include "leaks.h"

struct shape;

struct methods {
  struct shape *(*create)(void);
  void (*destroy)(struct shape *shape);
};

struct shape {
  const struct methods *methods;
  double size[2];
};

static const struct methods circle, square;

static NOINLINE struct shape *create_circle(void) {
  struct shape *shape = malloc(24);
  shape->methods = &circle;
  return shape;
}

static NOINLINE struct shape *create_square(void) {
  struct shape *shape = malloc(24); /* expect: definite 1 block 24 bytes */
  shape->methods = &square;
  return shape;
}

static NOINLINE void destroy_shape(struct shape *shape) {
  free(shape);
}

#ifndef FIXED
static NOINLINE void destroy_nothing(struct shape *shape) {
  (void)shape;
}

#endif
static const struct methods circle = {create_circle, destroy_shape};
#ifdef FIXED
static const struct methods square = {create_square, destroy_shape};
#else
static const struct methods square = {create_square, destroy_nothing};
#endif

static NOINLINE void run(void) {
  const struct methods *classes[] = {&circle, &square};
  for (int i = 0; i < 2; i++) {
    struct shape *shape = classes[i]->create();
    shape->methods->destroy(shape);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
