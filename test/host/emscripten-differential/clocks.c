// Every clock runs, and none runs backwards.
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) return -1;
  return (double)t.tv_sec + t.tv_nsec / 1e9;
}

int main(void) {
  const double monotonic = seconds(CLOCK_MONOTONIC), real = seconds(CLOCK_REALTIME);
  const clock_t ticks = clock();
  struct timeval day;
  printf("gettimeofday %d\n", gettimeofday(&day, NULL));
  usleep(20000);
  const double passed = seconds(CLOCK_MONOTONIC) - monotonic;
  printf("monotonic %s\n", passed >= 0.019 && passed < 5 ? "advances" : "does not advance");
  printf("real %s\n", seconds(CLOCK_REALTIME) >= real + 0.018 ? "advances" : "does not advance");
  printf("clock %s\n", clock() >= ticks && ticks >= 0 ? "ok" : "runs backwards");
  printf("time %s\n", time(NULL) - day.tv_sec <= 5 && time(NULL) >= day.tv_sec ? "agrees" : "disagrees");
  printf("this century %d\n", real > 1.6e9 && real < 4e9);
  struct timespec resolution;
  printf("resolution %d", clock_getres(CLOCK_REALTIME, &resolution));
  printf(" %d", clock_getres(CLOCK_MONOTONIC, &resolution));
  printf(" fine %d\n", resolution.tv_sec == 0);
  printf("unknown clock %d\n", clock_gettime(77, &resolution));
  return 0;
}
