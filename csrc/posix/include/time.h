/* <time.h> of wasi-libc, with names of the time zone, which is always UTC. */
#include_next <time.h>
#ifndef HEAPLINE_TIME_H
#define HEAPLINE_TIME_H

#ifdef __cplusplus
extern "C" {
#endif

void tzset(void);
int clock_settime(clockid_t, const struct timespec *);
extern char *tzname[2];
extern int daylight;
extern long timezone;

#ifdef __cplusplus
}
#endif
#endif
