/* program.c -- a program with a main: holds blocks when it ends, frees some in an atexit function. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *early, *late;

static void at_exit(void) {
  free(late);
  printf("torn down\n");
}

static char *hold(size_t size) { return malloc(size); }

int main(int argc, char **argv) {
  atexit(at_exit);
  early = hold(1000);
  late = hold(300);
  printf("%s: %d arguments", argv[0], argc - 1);
  for (int i = 1; i < argc; i++) printf(" [%s]", argv[i]);
  printf("\n");
  const char *name = getenv("NAME");
  printf("NAME=%s HOME=%s PATH=%s\n", name ? name : "(none)", getenv("HOME") ? "set" : "(none)",
         getenv("PATH") ? "set" : "(none)");
  FILE *file = fopen("/in.txt", "r");
  if (file) {
    char line[100];
    while (fgets(line, sizeof line, file)) printf("file: %s", line);
    fclose(file);
  }
  int c;
  while ((c = getchar()) != EOF) putchar(c);
  printf("passwd: %s\n", fopen("/etc/passwd", "r") || fopen("../../../../etc/passwd", "r") ? "read" : "refused");
  if ((file = fopen("/made.txt", "w"))) {
    fputs("by C", file);
    fclose(file);
  }
  fprintf(stderr, "warning\n");
  printf("no newline");
  if (argc > 1 && !strcmp(argv[1], "exit")) exit(5);
  if (argc > 1 && !strcmp(argv[1], "trap")) __builtin_trap();
  if (argc > 1 && !strcmp(argv[1], "abort")) abort();
  return 3;
}
