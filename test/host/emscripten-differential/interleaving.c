// One reader sees both streams, line by line. Emscripten's terminal keeps a line until it is whole.
#include <stdio.h>
#include <unistd.h>

int main(void) {
  puts("out 1");
  fputs("error 1\n", stderr);
  puts("out 2");
  fputs("error ", stderr);
  fputs("2\n", stderr);
  printf("flushed\n");
  fflush(stdout);
  write(1, "raw out\n", 8);
  write(2, "raw error\n", 10);
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("unbuffered\n");
  fputs("error 3\n", stderr);
  printf("end\n");
  return 0;
}
