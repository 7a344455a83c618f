/* wasi-libc's sigset_t has 8 bits and no functions. This one has a bit for each signal. */
#ifndef __wasilibc___typedef_sigset_t_h
#define __wasilibc___typedef_sigset_t_h
typedef unsigned long long sigset_t;
#endif
