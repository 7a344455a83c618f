/* <sys/sysmacros.h>, which wasi-libc does not have: the two halves of the number of a device. */
#ifndef _SYS_SYSMACROS_H
#define _SYS_SYSMACROS_H

#define major(device) ((unsigned)((device) >> 8) & 0xfff)
#define minor(device) ((unsigned)(device) & 0xff)
#define makedev(major, minor) ((((major) & 0xfff) << 8) | ((minor) & 0xff))
#endif
