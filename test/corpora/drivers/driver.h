/* driver.h -- the parts that the corpus drivers share: a checksum over the results of a workload, repeatable random
 * numbers, growing text, and main.
 *
 * A driver defines `int workload(int scale)`. It must give the same result on 32-bit WebAssembly and on 64-bit
 * machines. Therefore it adds values to the checksum, never representations of pointers or size_t, and never draws two
 * random numbers among the arguments of one call, because compilers choose the order of arguments.
 */
#ifndef HEAPLINE_DRIVER_H
#define HEAPLINE_DRIVER_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int workload(int scale);

/* FNV-1a, 32 bits. */
#define CHECKSUM_START 2166136261u

static inline uint32_t checksum_bytes(uint32_t sum, const void *bytes, size_t length) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < length; i++) sum = (sum ^ at[i]) * 16777619u;
  return sum;
}

static inline uint32_t checksum_text(uint32_t sum, const char *text) {
  return checksum_bytes(sum, text, strlen(text));
}

static inline uint32_t checksum_number(uint32_t sum, uint32_t number) {
  unsigned char bytes[4] = {number & 255, number >> 8 & 255, number >> 16 & 255, number >> 24};
  return checksum_bytes(sum, bytes, sizeof bytes);
}

/* xorshift32: good enough to vary workloads, the same everywhere. */
static inline uint32_t random_next(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static inline uint32_t random_below(uint32_t *state, uint32_t limit) { return random_next(state) % limit; }

/* Ends the program, because a workload that fails would make the measurement wrong. */
static inline void fail(const char *what) {
  fprintf(stderr, "workload failed: %s\n", what);
  exit(1);
}

/* Text that grows by doubling. */
struct text {
  char *bytes;
  size_t length, capacity;
};

static inline void text_append(struct text *text, const char *format, ...) {
  va_list arguments;
  for (;;) {
    va_start(arguments, format);
    int written = vsnprintf(text->bytes == NULL ? NULL : text->bytes + text->length, text->capacity - text->length,
                            format, arguments);
    va_end(arguments);
    if (written < 0) fail("formatting");
    if ((size_t)written < text->capacity - text->length) {
      text->length += (size_t)written;
      return;
    }
    size_t capacity = text->capacity == 0 ? 4096 : text->capacity * 2;
    char *bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) fail("memory for text");
    text->bytes = bytes;
    text->capacity = capacity;
  }
}

#define DRIVER_MAIN(name)                                            \
  int main(int argc, char **argv) {                                  \
    int scale = argc > 1 ? atoi(argv[1]) : 1;                        \
    printf("%s %d %08x\n", name, scale, (unsigned)workload(scale)); \
    return 0;                                                        \
  }

#endif
