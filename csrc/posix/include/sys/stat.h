/* <sys/stat.h> of wasi-libc, with umask and special files. */
#include_next <sys/stat.h>
#ifndef HEAPLINE_SYS_STAT_H
#define HEAPLINE_SYS_STAT_H

#ifndef ACCESSPERMS
#define ACCESSPERMS 0777
#define ALLPERMS 07777
#define DEFFILEMODE 0666
#endif

#ifdef __cplusplus
extern "C" {
#endif

mode_t umask(mode_t);
int mkfifo(const char *, mode_t);
int mkfifoat(int, const char *, mode_t);
int mknod(const char *, mode_t, dev_t);
int mknodat(int, const char *, mode_t, dev_t);

#ifdef __cplusplus
}
#endif
#endif
