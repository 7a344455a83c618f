/* Records of all kinds, and functions that make and free them. */

#include <complex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum color { RED, GREEN = 5, BLUE };
enum mode { READ = 1, WRITE = 2, APPEND = 4 };
enum huge { SMALL = 1, LARGE = 0x100000000ll };

typedef struct point {
  float x, y;
} point;

/* Its type has no name but that of the typedef. */
typedef struct {
  int tag;
  union {
    int number;
    char *text;
  };
} value;

struct opaque;

struct node {
  struct node *next;
  const char *name;
  char tag[8];
  enum color color;
  unsigned ready : 1, level : 5;
  int signed_bits : 3;
  long long wide_bits : 40;
  int64_t big;
  uint64_t unsigned_big;
  point at;
  point path[2];
  uint8_t raw[2][3];
  void (*callback)(struct node *, int);
  value value;
  struct {
    short inner;
  } unnamed;
  struct opaque *opaque;
  bool flag;
  signed char small;
  unsigned char byte;
  unsigned short half;
  double ratio;
  long double precise;
  double complex plane;
  __int128 gigantic;
};

struct tail {
  int length;
  struct point points[];
};

struct text {
  int length;
  char characters[];
};

union both {
  int integer;
  float real;
};

struct packed {
  char first;
  int second;
  bool third : 1;
} __attribute__((packed));

struct single {
  double only;
};

// Makes a node.
struct node *make(const char *name, enum color color) {
  struct node *node = calloc(1, sizeof *node);
  node->next = node;
  node->name = name;
  memcpy(node->tag, "12345678", 8);
  node->color = color;
  node->ready = 1;
  node->level = 21;
  node->signed_bits = -3;
  node->wide_bits = -(1ll << 38);
  node->big = -(1ll << 60);
  node->unsigned_big = ~0ull;
  node->at = (point){1.5f, -2};
  node->path[1] = (point){3, 4};
  node->raw[1][2] = 200;
  node->callback = (void (*)(struct node *, int))make;
  node->value = (value){7, {42}};
  node->unnamed.inner = -5;
  node->opaque = (struct opaque *)0x1234;
  node->flag = true;
  node->small = -1;
  node->byte = 255;
  node->half = 65535;
  node->ratio = 0.1;
  node->precise = -1.25L;
  node->plane = 1 + 2 * I;
  node->gigantic = -((__int128)1 << 100);
  return node;
}

/** Sets the color.
 *  It may be any. */
void paint(struct node *node, enum color color) { node->color = color; }

void release(struct node *node) { free(node); }

/* Moves a node
   by a distance, and gives its place. */
point
move(struct node *node, point by, struct single scale) {
  node->at.x += by.x * (float)scale.only;
  return node->at;
}

struct single only(struct single given, enum mode mode, bool in) {
  return (struct single){given.only + mode + in};
}

/* This comment ends with a line of its own. */

int64_t uncommented(int64_t a, uint64_t b, ...) { return a + (int64_t)b; }

struct tail *tail(int length) {
  struct tail *made = malloc(sizeof *made + length * sizeof(point));
  made->length = length;
  for (int i = 0; i < length; i++) made->points[i] = (point){i, -i};
  return made;
}

struct text *text(const char *from) {
  struct text *made = malloc(sizeof *made + strlen(from) + 1);
  made->length = (int)strlen(from);
  strcpy(made->characters, from);
  return made;
}

union both *both(float real) {
  union both *made = malloc(sizeof *made);
  made->real = real;
  return made;
}

struct packed *packed(void) {
  struct packed *made = malloc(sizeof *made);
  *made = (struct packed){'p', 0x12345678, true};
  return made;
}

/* Allocates less than the whole struct. */
struct node *part(void) { return calloc(1, 16); }

enum huge huge(void) { return LARGE; }
static struct node global;
struct node *the_global(void) { return &global; }
void *any(void **where, int argc, char **argv, int (*compare)(const void *, const void *)) {
  return compare && argc && argv ? *where : 0;
}
