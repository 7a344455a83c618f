/* <poll.h> of wasi-libc, with events that WASI never reports. */
#include_next <poll.h>
#ifndef HEAPLINE_POLL_H
#define HEAPLINE_POLL_H

#ifndef POLLPRI
#define POLLPRI 0x4
#endif
#ifndef POLLRDBAND
#define POLLRDBAND 0x8
#endif
#ifndef POLLWRBAND
#define POLLWRBAND 0x10
#endif
#endif
