/* <time.h> of wasi-libc, with timers, which fail, and names of the time zone, which is always UTC. */
#include_next <time.h>
#ifndef HEAPLINE_TIME_H
#define HEAPLINE_TIME_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* WASI has one clock that never goes back, and one of the day. */
#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME CLOCK_MONOTONIC
#define CLOCK_MONOTONIC_RAW CLOCK_MONOTONIC
#define CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC
#define CLOCK_REALTIME_COARSE CLOCK_REALTIME
#endif
/* The time since the start is all that WASI tells of the time of a processor. */
#ifndef CLOCK_PROCESS_CPUTIME_ID
#define CLOCK_PROCESS_CPUTIME_ID CLOCK_MONOTONIC
#define CLOCK_THREAD_CPUTIME_ID CLOCK_MONOTONIC
#endif

struct sigevent;
int timer_create(clockid_t, struct sigevent *__restrict, timer_t *__restrict);
int timer_delete(timer_t);
int timer_settime(timer_t, int, const struct itimerspec *__restrict, struct itimerspec *__restrict);
int timer_gettime(timer_t, struct itimerspec *);
int timer_getoverrun(timer_t);
int clock_getcpuclockid(pid_t, clockid_t *);
void tzset(void);
int clock_settime(clockid_t, const struct timespec *);
extern char *tzname[2];
extern int daylight;
extern long timezone;

#ifdef __cplusplus
}
#endif
#endif
