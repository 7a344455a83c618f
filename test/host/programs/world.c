/* world.c -- asks the world around it everything that a program can ask. The first argument selects the question. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
  const char *question = argc > 1 ? argv[1] : "";
  if (!strcmp(question, "args")) {
    for (int i = 0; i < argc; i++) printf("[%s]", argv[i]);
  } else if (!strcmp(question, "env")) {
    for (char **entry = environ; entry && *entry; entry++) printf("%s\n", *entry);
  } else if (!strcmp(question, "open")) {
    FILE *file = fopen(argv[2], "r");
    printf("%s", file ? "opened" : "refused");
  } else if (!strcmp(question, "stdin")) {
    int c;
    while ((c = getchar()) != EOF) putchar(c);
  } else if (!strcmp(question, "sleep")) {
    struct timespec time = {0, 30 * 1000 * 1000};
    printf("%d", nanosleep(&time, 0));
  } else if (!strcmp(question, "time")) {
    printf("%lld", (long long)time(0));
  } else if (!strcmp(question, "random")) {
    unsigned char bytes[16];
    if (getentropy(bytes, sizeof bytes)) return 1;
    for (int i = 0; i < 16; i++) printf("%02x", bytes[i]);
  } else if (!strcmp(question, "exit")) {
    fprintf(stderr, "to stderr");
    printf("to stdout, not flushed");
    exit(42);
  } else if (!strcmp(question, "_exit")) {
    fputs("flushed", stdout);
    fflush(stdout);
    _exit(43);
  } else if (!strcmp(question, "trap")) {
    printf("before the trap\n");
    __builtin_trap();
  } else if (!strcmp(question, "abort")) {
    printf("before the abort\n");
    abort();
  } else if (!strcmp(question, "much")) {
    for (int i = 0; i < 200000; i++) printf("%048d\n", i);
  } else if (!strcmp(question, "bytes")) {
    for (int i = 0; i < 100000; i++) {
      char c = 'a' + i % 26;
      if (write(1, &c, 1) != 1) return 1;
    }
  } else if (!strcmp(question, "write")) {
    FILE *file = fopen("/out/result.txt", "w");
    if (!file) return 1;
    fputs("written by C", file);
    fclose(file);
  } else if (!strcmp(question, "number")) {
    static int seen;
    char *text = malloc(1000);
    snprintf(text, 1000, "%s %d", argv[2], ++seen);
    fputs(text, stdout);
  }
  return 7;
}
