/* wrecked.c -- a program that writes over what Heapline keeps of its heap, and leaves it like that. */
#include <string.h>

extern char heapline_runtime[];

int main(void) {
  memset(heapline_runtime, 0xff, 64);
  return 0;
}
