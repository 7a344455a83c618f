/* native-main.c -- main() around a program's entry, for the native peers.
 *
 * Arguments: scale, repeats. Runs the entry once to warm up (a JIT such as Valgrind's translates then), then
 * `repeats` times, and prints one line for each: processor time in nanoseconds (all threads), checksum. The last
 * line is the peak resident size in bytes, read from /proc because getrusage() starts at the parent's peak.
 * Like the whole benchmark, it measures processor time, because the machine may be shared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int ENTRY(int scale);

static long long processor_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int scale = atoi(argv[1]), repeats = atoi(argv[2]);
  int expected = ENTRY(scale);
  for (int i = 0; i < repeats; i++) {
    long long start = processor_time();
    int checksum = ENTRY(scale);
    long long elapsed = processor_time() - start;
    if (checksum != expected) return 3;
    printf("sample %lld %d\n", elapsed, checksum);
  }
  FILE *status = fopen("/proc/self/status", "r");
  if (!status) return 4;
  char line[256];
  long long kilobytes = 0;
  while (fgets(line, sizeof line, status))
    if (strncmp(line, "VmHWM:", 6) == 0) kilobytes = atoll(line + 6);
  fclose(status);
  printf("peak %lld\n", kilobytes * 1024);
  return 0;
}
