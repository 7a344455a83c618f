// The status that main returns, as its argument says.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  printf("%d", argc);
  return atoi(argv[1]);
}
