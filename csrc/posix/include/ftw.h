/* <ftw.h> of wasi-libc, with the older of the two walks. */
#include_next <ftw.h>
#ifndef HEAPLINE_FTW_H
#define HEAPLINE_FTW_H
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

int ftw(const char *, int (*)(const char *, const struct stat *, int), int);

#ifdef __cplusplus
}
#endif
#endif
