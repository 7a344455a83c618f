/* The control: memory that the program asks libc for belongs to the program. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

char *kept;

int main(void) {
  const time_t now = 0;
  localtime(&now);
  setenv("SET", "value", 1);
  kept = strdup(getenv("SET"));
  kept = strdup("12345");
  return 0;
}
