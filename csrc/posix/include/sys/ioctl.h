/* <sys/ioctl.h> of wasi-libc, with the size of a terminal's window, which nobody can be asked for. */
#include_next <sys/ioctl.h>
#ifndef HEAPLINE_SYS_IOCTL_H
#define HEAPLINE_SYS_IOCTL_H

struct winsize {
  unsigned short ws_row;
  unsigned short ws_col;
  unsigned short ws_xpixel;
  unsigned short ws_ypixel;
};
#ifndef TIOCGWINSZ
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#endif
#endif
