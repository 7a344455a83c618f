/* <sys/random.h> of wasi-libc, with Linux's call. */
#if __has_include_next(<sys/random.h>)
#include_next <sys/random.h>
#endif
#ifndef HEAPLINE_SYS_RANDOM_H
#define HEAPLINE_SYS_RANDOM_H
#include <sys/types.h>

#ifndef GRND_NONBLOCK
#define GRND_NONBLOCK 1
#define GRND_RANDOM 2
#endif

#ifdef __cplusplus
extern "C" {
#endif

ssize_t getrandom(void *, size_t, unsigned);

#ifdef __cplusplus
}
#endif
#endif
