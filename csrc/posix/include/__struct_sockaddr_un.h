/* The address of a Unix socket for wasi-libc's <sys/un.h>, whose own has no path because WASI has no such sockets. */
#ifndef __wasilibc___struct_sockaddr_un_h
#define __wasilibc___struct_sockaddr_un_h

#include <__typedef_sa_family_t.h>

struct sockaddr_un {
  sa_family_t sun_family;
  char sun_path[108];
};

#endif
