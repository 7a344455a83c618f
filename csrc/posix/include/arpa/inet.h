/* <arpa/inet.h> of wasi-libc, with addresses as older programs read and write them. */
#include_next <arpa/inet.h>
#ifndef HEAPLINE_ARPA_INET_H
#define HEAPLINE_ARPA_INET_H
#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

in_addr_t inet_addr(const char *);
char *inet_ntoa(struct in_addr);

#ifdef __cplusplus
}
#endif
#endif
