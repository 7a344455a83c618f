/* Allocations whose types a report knows or must not claim to know. The comment behind an allocation says what: `is T`, `begins
 * T`, or `unknown`. `or unknown` allows optimised code to hide it. All blocks are lost. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum color { RED, GREEN = 5 };
struct node {
  struct node *next;
  const char *name;
  int key;
  enum color color;
  unsigned narrow : 3, wide : 21;
  short path[3];
  char tag[8];
  struct {
    double x, y;
  } at;
};
typedef struct {
  int x, y, z;
} point;
struct list {
  struct node *head;
  struct node **all;
  point *corner;
};
struct text {
  int length;
  char bytes[];
};
struct old_text {
  int length;
  char bytes[1];
};
union number {
  int whole;
  float real;
  char raw[12];
};
struct base {
  int kind;
  struct base *parent;
};
struct derived {
  struct base base;
  int more[5];
};
struct header {
  size_t size;
  const char *owner;
};
struct one {
  int a, b, c;
  struct one *next;
};
struct two {
  float a, b, c;
  struct two *next;
};
struct big {
  int used;
  int rest[100];
};
struct opaque;
struct vector {
  void *items;
  size_t size;
};
struct allocator {
  void *(*allocate)(size_t size);
};

struct node *kept_node;
static struct list lists[2];
volatile int zero;

static void *plain(size_t size) { return malloc(size); /* wrapper */ }
__attribute__((noinline)) static void *checked(size_t size) {
  void *result = plain(size);
  if (result == NULL) abort();
  return result;
}
/* Remembers the size before what it returns. */
__attribute__((noinline)) static void *measured(size_t size) {
  size_t *block = malloc(size + 2 * sizeof(size_t)); /* is struct node after 8 */
  block[0] = size;
  return block + 2;
}
__attribute__((noinline)) static void *owned(size_t size, const char *owner) {
  struct header *header = malloc(sizeof *header + size); /* is struct node after 8 */
  header->size = size;
  header->owner = owner;
  return header + 1;
}
__attribute__((noinline)) static void lose(void *pointer) {
  if (zero) kept_node = pointer;
}

__attribute__((noinline)) static struct node *new_node(int key) {
  struct node *node = checked(sizeof *node); /* is struct node */
  memset(node, 0, sizeof *node);
  node->key = key;
  node->name = strdup("a name"); /* is char[7] */
  node->color = GREEN;
  node->narrow = 5;
  node->wide = 70000;
  node->path[1] = -2;
  strcpy(node->tag, "t\"g");
  node->at.y = 0.5;
  return node;
}
static struct node *inlined_node(void) { return calloc(1, sizeof(struct node)); /* is struct node or unknown */ }
__attribute__((noinline)) static struct base *new_derived(void) {
  struct derived *derived = calloc(1, sizeof *derived); /* is struct derived */
  return &derived->base;
}
__attribute__((noinline)) static int make_into(struct one **out) {
  *out = calloc(1, sizeof **out); /* is struct one */
  return *out != NULL;
}
__attribute__((noinline)) static void grow(struct vector *vector, size_t size) {
  vector->items = realloc(vector->items, size); /* unknown */
}
__attribute__((noinline)) static void *either(int kind) {
  void *block = calloc(1, 16); /* unknown */
  if (kind == 1) {
    struct one *one = block;
    one->a = 1;
    one->next = one->next ? one->next->next : NULL;
  } else {
    struct two *two = block;
    two->a = 1;
    two->next = two->next ? two->next->next : NULL;
  }
  return block;
}
__attribute__((noinline)) static struct one *some(struct one *other) {
  struct one *one = zero ? other : calloc(1, sizeof *one); /* is struct one */
  one->a++;
  return one;
}

__attribute__((noinline)) static void simple(void) {
  lose(new_node(7));
  lose(inlined_node());
  point *corner = calloc(1, sizeof *corner); /* is point */
  corner->x = -3;
  lose(corner);
  point *points = calloc(10, sizeof *points); /* begins point */
  points[0].z = 9;
  lose(points);
  struct text *text = calloc(1, sizeof *text + 6); /* is struct text */
  text->length = 5;
  memcpy(text->bytes, "hello", 5);
  lose(text);
  struct old_text *old = calloc(1, sizeof *old + 16); /* is struct old_text or unknown */
  old->length = 3;
  lose(old);
  union number *number = calloc(1, sizeof *number); /* is union number or unknown */
  number->whole = 1;
  lose(number);
}
__attribute__((noinline)) static void stored(struct list *list) {
  list->head = calloc(1, sizeof *list->head); /* is struct node */
  list->all = calloc(4, sizeof *list->all); /* is struct node *[4] */
  list->all[2] = calloc(1, sizeof **list->all); /* is struct node */
  list->corner = calloc(1, sizeof *list->corner); /* is point */
  lists[1].corner = calloc(1, sizeof(point)); /* is point or unknown */
  lists[1].corner = NULL;
  kept_node = calloc(1, sizeof(struct node)); /* is struct node or unknown */
  kept_node = NULL;
  memset(list, 0, sizeof *list);
}
__attribute__((noinline)) static void disguised(struct allocator *allocator) {
  struct base *base = calloc(1, sizeof(struct derived)); /* begins struct base */
  base->kind = 1;
  lose(base);
  lose(new_derived());
  struct one *one;
  if (make_into(&one)) lose(one);
  lose(some(NULL));
  lose(either(zero + 1));
  struct node *measured_node = measured(sizeof *measured_node);
  measured_node->key = 1;
  lose(measured_node);
  struct node *owned_node = owned(sizeof *owned_node, "me");
  owned_node->key = 1;
  lose(owned_node);
  struct one *called = allocator->allocate(sizeof *called); /* is struct one or unknown */
  called->a = 1;
  lose(called);
  struct vector vector = {NULL, 0};
  grow(&vector, 20);
  lose(vector.items);
  struct big *part = malloc(offsetof(struct big, rest) + 8); /* unknown */
  part->used = 2;
  lose(part);
  struct opaque *opaque = malloc(40); /* unknown */
  lose(opaque);
  int *numbers = malloc(10 * sizeof *numbers); /* unknown */
  numbers[0] = 1;
  lose(numbers);
  char *raw = malloc(24); /* unknown */
  memset(raw, 200, 24);
  lose(raw);
  char *inner = (char *)malloc(64) + 16; /* unknown */
  lose((struct node *)inner);
  void **table = malloc(4 * sizeof *table); /* unknown */
  table[0] = &zero;
  lose(table);
}

int main(void) {
  struct allocator allocator = {zero ? plain : checked};
  struct list list = {NULL, NULL, NULL};
  simple();
  stored(&list);
  disguised(&allocator);
  return 0;
}
