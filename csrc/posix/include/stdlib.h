/* <stdlib.h> of wasi-libc, with temporary files, paths, terminals and the statuses of processes. */
#include_next <stdlib.h>
#ifndef HEAPLINE_STDLIB_H
#define HEAPLINE_STDLIB_H
#include <sys/wait-status.h>

#ifdef __cplusplus
extern "C" {
#endif

int system(const char *);
int mkstemp(char *);
int mkostemp(char *, int);
int mkstemps(char *, int);
int mkostemps(char *, int, int);
char *mkdtemp(char *);
char *mktemp(char *);
char *realpath(const char *__restrict, char *__restrict);
int posix_openpt(int);
int grantpt(int);
int unlockpt(int);
char *ptsname(int);
void *valloc(size_t);
int getloadavg(double *, int);
#define mkstemp64 mkstemp
#define mkostemp64 mkostemp
#define mkstemps64 mkstemps
#define mkostemps64 mkostemps

#ifdef __cplusplus
}
#endif
#endif
