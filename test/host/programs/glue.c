// The program for the tests of Emscripten's glue. It uses little of libc, so glue of a hundred lines suffices.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double emscripten_get_now(void);
_Noreturn void __cxa_throw(void *exception, void *type, void (*destructor)(void *));

static void say(const char *text) { write(1, text, strlen(text)); }

void leave(int status) { exit(status); }

void throw_one(void) { __cxa_throw(malloc(8), 0, 0); }

int ticks(void) {
  double first = emscripten_get_now();
  return first > 0 && emscripten_get_now() >= first;
}

static void *kept;

// The glue's work between the end of main and the end of the program.
void tear_down(void) { free(kept); }

int main(int argc, char **argv) {
  char line[16];
  const char *who = getenv("WHO"), *user = getenv("USER");
  say(argv[0]);
  say(who == NULL ? " nobody " : who);
  say(user == NULL ? "" : user);
  say(" ");
  ssize_t length = read(0, line, sizeof line);
  if (length > 0) write(1, line, (size_t)length);
  write(2, "done", 4);
  kept = malloc(7);
  malloc(5);
  if (argc > 1) exit(atoi(argv[1]));
  return 3;
}
