#include <stdio.h>

int main(void) {
  char line[10];
  printf("%s\n", fgets(line, sizeof line, stdin) == NULL ? "nothing" : line);
  printf("%d %d\n", getchar(), feof(stdin) != 0);
  return 0;
}
