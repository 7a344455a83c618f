#include <assert.h>
#include <stdio.h>

int main(int argc, char **argv) {
  assert(argc == 1);
  puts("holds");
  assert(argc == 2 && "does not hold");
  puts("not reached");
}
