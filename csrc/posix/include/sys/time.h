/* <sys/time.h> of wasi-libc, with timers and the times of files. */
#include_next <sys/time.h>
#ifndef HEAPLINE_SYS_TIME_H
#define HEAPLINE_SYS_TIME_H

#ifdef __cplusplus
extern "C" {
#endif

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2
struct itimerval {
  struct timeval it_interval;
  struct timeval it_value;
};

int getitimer(int, struct itimerval *);
int setitimer(int, const struct itimerval *__restrict, struct itimerval *__restrict);
int futimes(int, const struct timeval[2]);
int lutimes(const char *, const struct timeval[2]);
struct timezone;
int settimeofday(const struct timeval *, const struct timezone *);

#ifdef __cplusplus
}
#endif
#endif
