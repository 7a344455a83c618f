// Variables that the caller gave, and variables that the program sets.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;
static const char *of(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? "(none)" : value;
}

int main(void) {
  printf("GIVEN %s\n", of("GIVEN"));
  printf("EMPTY '%s'\n", of("EMPTY"));
  printf("NO_SUCH %s\n", of("NO_SUCH"));
  printf("setenv %d %s\n", setenv("GIVEN", "kept", 0), of("GIVEN"));
  printf("setenv %d %s\n", setenv("GIVEN", "replaced", 1), of("GIVEN"));
  printf("setenv %d\n", setenv("WRONG=NAME", "x", 1));
  static char text[] = "PUT=there";
  printf("putenv %d %s\n", putenv(text), of("PUT"));
  printf("unsetenv %d %s\n", unsetenv("GIVEN"), of("GIVEN"));
  int ours = 0;
  for (char **each = environ; *each; each++) {
    ours += strncmp(*each, "PUT=", 4) == 0 || strncmp(*each, "EMPTY=", 6) == 0;
  }
  printf("environ has %d\n", ours);
  return 0;
}
