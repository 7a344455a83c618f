// Allocates until memory runs out, and prints what the allocator reports.
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Otherwise the compiler removes allocations whose block nobody uses.
static void *volatile made;

int main(void) {
  char *zero = calloc(1000, 7);
  int sum = 0;
  for (int i = 0; i < 7000; i++) sum += zero[i];
  printf("calloc %d\n", sum);
  zero = realloc(zero, 100000);
  printf("realloc %d\n", zero != NULL);
  free(zero);
  made = malloc(0xf0000000u);
  printf("huge %d\n", made != NULL);
  made = calloc(0x10000, 0x10001);
  printf("overflow %d\n", made != NULL);
  void *aligned = aligned_alloc(4096, 8192);
  printf("aligned %d\n", (int)((uintptr_t)aligned & 4095));
  free(aligned);
  void *posix = NULL;
  printf("posix %d %d\n", posix_memalign(&posix, 64, 100), (int)((uintptr_t)posix & 63));
  free(posix);
  char *copy = strdup("copy");
  puts(copy);
  free(copy);
  void *nothing = malloc(0);
  free(nothing);
  free(NULL);
  return 0;
}
