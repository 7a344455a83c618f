// Reads lines, words and bytes of the standard input until its end.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  char line[40];
  int number, byte;
  printf("line %s", fgets(line, sizeof line, stdin));
  printf("scanf %d", scanf("%d %39s", &number, line));
  printf(" %d %s\n", number, line);
  byte = getchar();
  ungetc('!', stdin);
  printf("byte %d %c\n", byte, getchar());
  char *whole = NULL;
  size_t capacity = 0;
  printf("getline %d", (int)getline(&whole, &capacity, stdin));
  printf(" %s", whole);
  int rest = 0;
  while (getchar() != EOF) rest++;
  printf("rest %d end %d error %d\n", rest, feof(stdin) != 0, ferror(stdin) != 0);
  printf("read %d\n", (int)read(0, line, sizeof line));
  free(whole);
  return 0;
}
