/* Each of these calls makes libc allocate memory that libc keeps. The memory does not belong to the program. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void nothing(void) {}
static char in_environment[] = "PUT=value";

int main(void) {
  const time_t now = 0;
  char text[100];
  strftime(text, sizeof text, "%c %Z", localtime(&now));
  struct tm tm = *gmtime(&now);
  mktime(&tm);
#ifndef __wasi__
  tzset();
#endif
  puts(asctime(&tm));
  puts(setlocale(LC_ALL, "") == NULL ? "no locale" : "locale");
  setlocale(LC_ALL, "de_DE.UTF-8");
  setlocale(LC_TIME, "C.UTF-8");
  for (int i = 0; i < 100; i++) atexit(nothing);
  setenv("SET", "a value that takes memory", 1);
  setenv("SET", "another", 1);
  putenv(in_environment);
  unsetenv("SET");
  puts(getenv("PUT"));
  puts(strerror(2));
  perror("none");
  printf("%f %ls\n", 1.5, L"wide");
  fprintf(stderr, "error\n");
  return 0;
}
