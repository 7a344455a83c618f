/* <limits.h> of the compiler and of wasi-libc, with limits that WASI does not have: those that POSIX promises. */
#include_next <limits.h>
#ifndef HEAPLINE_LIMITS_H
#define HEAPLINE_LIMITS_H

#ifndef PIPE_BUF
#define PIPE_BUF 4096
#endif
#ifndef LINE_MAX
#define LINE_MAX 2048
#endif
#ifndef LOGIN_NAME_MAX
#define LOGIN_NAME_MAX 256
#endif
#ifndef MAX_INPUT
#define MAX_CANON 255
#define MAX_INPUT 255
#endif
#ifndef BC_BASE_MAX
#define BC_BASE_MAX 99
#define BC_DIM_MAX 2048
#define BC_SCALE_MAX 99
#define BC_STRING_MAX 1000
#define EXPR_NEST_MAX 32
#endif
#ifndef MQ_PRIO_MAX
#define MQ_PRIO_MAX 32768
#endif
#ifndef SEM_VALUE_MAX
#define SEM_VALUE_MAX 0x7fffffff
#endif
#ifndef PTHREAD_KEYS_MAX
#define PTHREAD_KEYS_MAX 128
#endif
#ifndef PTHREAD_STACK_MIN
#define PTHREAD_STACK_MIN 2048
#endif
#ifndef PTHREAD_DESTRUCTOR_ITERATIONS
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#endif
#endif
