/* <sys/wait.h>, which wasi-libc does not have. A program here has no children, so these functions fail with ECHILD. */
#ifndef _SYS_WAIT_H
#define _SYS_WAIT_H
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait-status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { P_ALL = 0, P_PID = 1, P_PGID = 2 } idtype_t;
#define WSTOPPED 2
#define WEXITED 4
#define WNOWAIT 0x1000000

pid_t wait(int *);
pid_t waitpid(pid_t, int *, int);
int waitid(idtype_t, id_t, siginfo_t *, int);
pid_t wait3(int *, int, struct rusage *);
pid_t wait4(pid_t, int *, int, struct rusage *);

#ifdef __cplusplus
}
#endif
#endif
