/* Functions that allocate, and what they are. Those whose names begin with w_ allocate for their callers, and reports name
 * the caller. Those whose names begin with c_ make something of the block, or allocate for themselves, and reports name
 * them. main loses a block of each, at a line that says so. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define NOINLINE __attribute__((noinline))

static NOINLINE void die(const char *message) {
  fprintf(stderr, "%s\n", message);
  exit(2);
}

/* -- for the caller ------------------------------------------------------------------------------------------------ */

NOINLINE void *w_plain(size_t size) {
  void *p = malloc(size);
  if (!p) die("no memory");
  return p;
}

NOINLINE void *w_filled(size_t size) {
  void *p = malloc(size);
  if (p) memset(p, 0xa5, size);
  return p;
}

NOINLINE void *w_rounded(size_t size) { return malloc((size + 15) & ~(size_t)15); }

NOINLINE void *w_never_zero(size_t size) { return malloc(size ? size : 1); }

NOINLINE void *w_product(size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) return NULL;
  return w_plain(count * size);
}

/* A wrapper of wrappers. */
NOINLINE int *w_numbers(const char *what, size_t count) {
  int *numbers = w_product(count, sizeof *numbers);
  if (!numbers) die(what);
  return numbers;
}

NOINLINE void *w_resized(void *old, size_t size) {
  if (size == 0) {
    free(old);
    return NULL;
  }
  void *p = realloc(old, size);
  if (!p) die("no memory");
  return p;
}

/* Keeps books in front of the part that it hands out. */
struct header {
  size_t size;
  struct header *next;
};
static struct header *all;

NOINLINE void *w_with_header(size_t size) {
  struct header *header = malloc(sizeof *header + size);
  if (!header) return NULL;
  header->size = size;
  header->next = all;
  all = header;
  return header + 1;
}

NOINLINE char *w_copied(const char *text, size_t length) {
  char *p = w_plain(length + 1);
  memcpy(p, text, length);
  p[length] = '\0';
  return p;
}

static NOINLINE void *checked(void *p) {
  if (!p) die("no memory");
  return p;
}

NOINLINE void *w_checked(size_t size) { return checked(malloc(size)); }

static size_t total, times;

NOINLINE void *w_counted(size_t size) {
  void *p = malloc(size);
  if (p) {
    total += size;
    times++;
  } else fprintf(stderr, "no memory for %zu bytes\n", size);
  return p;
}

NOINLINE void *w_stubborn(size_t size) {
  void *p;
  while (!(p = malloc(size))) die("no memory");
  return p;
}

/* Through a table, as libraries do that let their users choose an allocator. */
struct allocator {
  void *(*allocate)(void *self, size_t size);
  size_t calls;
};

static void *w_from_table(void *self, size_t size) {
  ((struct allocator *)self)->calls++;
  return malloc(size);
}

static struct allocator allocator = {w_from_table, 0};

NOINLINE void *w_through_table(struct allocator *from, size_t size) { return from->allocate(from, size); }

/* What a pool hands out. It announces it. */
static char room[1024];
static size_t used;

NOINLINE void *w_pool(void) {
  void *cell = room + used;
  if (used + 64 > sizeof room) return NULL;
  used += 64;
  VALGRIND_MALLOCLIKE_BLOCK(cell, 64, 0, 0);
  return cell;
}

/* -- constructors, and functions that allocate for themselves --------------------------------------------------------- */

struct node {
  int key;
  struct node *next;
};

NOINLINE struct node *c_node(int key) {
  struct node *node = w_plain(sizeof *node);
  node->key = key;
  node->next = NULL;
  return node;
}

struct vector {
  size_t count;
  int items[];
};

NOINLINE struct vector *c_vector(size_t count) {
  struct vector *vector = w_plain(sizeof *vector + count * sizeof(int));
  vector->count = count;
  return vector;
}

static NOINLINE void set_up(struct vector *vector, size_t count) { vector->count = count; }

NOINLINE struct vector *c_set_up(size_t size) {
  struct vector *vector = w_plain(size);
  set_up(vector, size / 4);
  return vector;
}

NOINLINE char *c_duplicate(const char *text) {
  size_t length = strlen(text);
  char *p = malloc(length + 1);
  memcpy(p, text, length + 1);
  return p;
}

NOINLINE void *c_constant(void) { return w_plain(100); }

struct buffer {
  char *data;
  size_t size;
};

/* The buffer owns the block, and the caller only gets to see it. */
NOINLINE char *c_grown(struct buffer *buffer, size_t size) {
  buffer->data = w_resized(buffer->data, size);
  buffer->size = size;
  return buffer->data;
}

NOINLINE struct buffer *c_buffer(size_t size) {
  struct buffer *buffer = calloc(1, sizeof *buffer);
  buffer->data = calloc(1, size);
  buffer->size = size;
  return buffer;
}

static void *kept;

NOINLINE void *c_kept(size_t size) {
  kept = malloc(size);
  return kept;
}

NOINLINE int c_tried(size_t size) {
  void *volatile p = malloc(size);
  return p != NULL;
}

NOINLINE char *c_upper(const char *text, size_t length) {
  char *p = w_plain(length);
  for (size_t i = 0; i < length; i++) p[i] = (char)(text[i] & ~0x20);
  return p;
}

/* Inlined everywhere, so that only its declaration is left. */
static inline __attribute__((always_inline)) void *w_inlined(size_t size) { return w_plain(size); }

NOINLINE struct node *c_around_inlined(int key) {
  struct node *node = w_inlined(sizeof *node);
  node->key = key;
  return node;
}

/* It looks like the one above, and makes something. */
static inline __attribute__((always_inline)) struct node *c_inlined(unsigned key) {
  struct node *node = malloc(sizeof *node);
  node->key = (int)key;
  return node;
}

NOINLINE void *w_around_inlined(unsigned key) { return w_inlined(key); }

int main(int argc, char **argv) {
  struct buffer buffer = {NULL, 0};
  size_t size = (size_t)argc * 8;
  w_plain(size);
  w_filled(size);
  w_rounded(size);
  w_never_zero(size);
  w_numbers("numbers", size);
  w_resized(NULL, size);
  w_with_header(size);
  w_copied(argv[0], 3);
  w_checked(size);
  w_counted(size);
  w_stubborn(size);
  w_through_table(&allocator, size);
  w_pool();
  c_node(argc);
  c_vector(size);
  c_set_up(size);
  c_duplicate(argv[0]);
  c_constant();
  c_grown(&buffer, size);
  buffer.data = NULL;
  c_buffer(size);
  c_kept(size);
  kept = NULL;
  all = NULL;
  c_tried(size);
  c_upper("upper", size / 2);
  c_around_inlined(argc);
  c_inlined(argc);
  w_around_inlined(size);
  return 0;
}
