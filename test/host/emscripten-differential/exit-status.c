// main returns the status that its argument names.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  printf("%d", argc);
  return atoi(argv[1]);
}
