/* <fcntl.h> of wasi-libc, with locks of files. */
#include_next <fcntl.h>
#ifndef HEAPLINE_FCNTL_H
#define HEAPLINE_FCNTL_H

#ifndef F_DUPFD
#define F_DUPFD 0
#endif
#ifndef F_GETLK
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_GETOWN 9
#define F_SETOWN 8
#define F_DUPFD_CLOEXEC 1030
#endif
#ifndef F_RDLCK
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#endif
#ifndef F_LOCK
#define F_ULOCK 0
#define F_LOCK 1
#define F_TLOCK 2
#define F_TEST 3
#endif
#ifndef O_NDELAY
#define O_NDELAY O_NONBLOCK
#endif
#ifndef R_OK
#define F_OK (0)
#define X_OK (1)
#define W_OK (2)
#define R_OK (4)
#endif
#ifndef O_ASYNC
#define O_ASYNC 0
#endif
#ifndef O_LARGEFILE
#define O_LARGEFILE 0
#endif
#define flock64 flock
#define F_GETLK64 F_GETLK
#define F_SETLK64 F_SETLK
#define F_SETLKW64 F_SETLKW
#endif
