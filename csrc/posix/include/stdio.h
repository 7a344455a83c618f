/* <stdio.h> of wasi-libc, with temporary files and pipes. */
#ifndef HEAPLINE_STDIO_H
/* wasi-libc declares these as deprecated, because it does not have them. */
#define tmpfile heapline_absent_tmpfile
#define tmpnam heapline_absent_tmpnam
#include_next <stdio.h>
#undef tmpfile
#undef tmpnam
#define HEAPLINE_STDIO_H

#define TMP_MAX 10000
#define L_tmpnam 20
#define P_tmpdir "/tmp"

#ifdef __cplusplus
extern "C" {
#endif

FILE *tmpfile(void);
char *tmpnam(char *);
char *tempnam(const char *, const char *);
FILE *popen(const char *, const char *);
int pclose(FILE *);
void flockfile(FILE *);
int ftrylockfile(FILE *);
void funlockfile(FILE *);
#define tmpfile64 tmpfile

#ifdef __cplusplus
}
#endif
#else
#include_next <stdio.h>
#endif
