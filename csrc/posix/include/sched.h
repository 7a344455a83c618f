/* <sched.h> of wasi-libc, with the policies of a scheduler, which fail with ENOSYS. */
#include_next <sched.h>
#ifndef HEAPLINE_SCHED_H
#define HEAPLINE_SCHED_H
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SCHED_OTHER
#define SCHED_OTHER 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#endif
/* A wasi-libc that has <pthread.h> has it. */
#if !__has_include_next(<pthread.h>)
struct sched_param {
  int sched_priority;
};
#endif

int sched_get_priority_max(int);
int sched_get_priority_min(int);
int sched_getparam(pid_t, struct sched_param *);
int sched_getscheduler(pid_t);
int sched_rr_get_interval(pid_t, struct timespec *);
int sched_setparam(pid_t, const struct sched_param *);
int sched_setscheduler(pid_t, int, const struct sched_param *);

#ifdef __cplusplus
}
#endif
#endif
