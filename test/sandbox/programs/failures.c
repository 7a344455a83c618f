#include <stdlib.h>

int ask(unsigned size) {
  return malloc(size) != 0;
}
void ask_often(int times) {
  for (int i = 0; i < times; i++) free(malloc(5000000 + i));
}
void twice(void) {
  char *volatile block = malloc(8);
  free(block);
  free(block);
}
extern unsigned heapline_runtime[];
/* From what Heapline keeps onwards, as a loop without an end would. */
void ruin(void) {
  for (int i = 6; i < 2000; i++) ((volatile unsigned *)heapline_runtime)[i] = 0x43434343;
}
void ruin_and_trap(void) {
  ruin();
  __builtin_trap();
}
