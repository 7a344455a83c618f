/* <errno.h> of wasi-libc, with errors that WASI does not have. Nothing sets them, and no error of WASI has their numbers. */
#include_next <errno.h>
#ifndef HEAPLINE_ERRNO_H
#define HEAPLINE_ERRNO_H

#ifndef ENODATA
#define ENOSTR 201
#define ENODATA 202
#define ETIME 203
#define ENOSR 204
#endif
#ifndef ESHUTDOWN
#define ENOTBLK 205
#define EUSERS 206
#define ESOCKTNOSUPPORT 207
#define EPFNOSUPPORT 208
#define ESHUTDOWN 209
#define ETOOMANYREFS 210
#define EHOSTDOWN 211
#define EREMOTE 212
#define EREMOTEIO 213
#define ENONET 214
#define ECOMM 215
#define ENOMEDIUM 216
#define EMEDIUMTYPE 217
#define EBADFD 218
#define EUCLEAN 219
#define ERESTART 220
#endif
#ifndef EDEADLOCK
#define EDEADLOCK EDEADLK
#endif
#endif
