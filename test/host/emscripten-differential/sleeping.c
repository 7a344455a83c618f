// Each function that sleeps takes as long as it was asked to.
#include <emscripten.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void report(const char *name, double began, double least, int result) {
  const double passed = emscripten_get_now() - began;
  printf("%s %d %s\n", name, result, passed >= least && passed < least + 4000 ? "slept" : "did not sleep");
}

int main(void) {
  double began = emscripten_get_now();
  report("usleep", began, 9, usleep(10000));
  began = emscripten_get_now();
  const struct timespec some = {0, 10000000};
  report("nanosleep", began, 9, nanosleep(&some, NULL));
  began = emscripten_get_now();
  report("sleep", began, 0, sleep(0));
  const struct timespec wrong = {0, -1};
  printf("nanosleep of less than nothing %d\n", nanosleep(&wrong, NULL));
  return 0;
}
