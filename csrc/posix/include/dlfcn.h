/* <dlfcn.h> of wasi-libc, with dladdr. Nothing can be loaded here, and dlerror() says so. */
#include_next <dlfcn.h>
#ifndef HEAPLINE_DLFCN_H
#define HEAPLINE_DLFCN_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char *dli_fname;
  void *dli_fbase;
  const char *dli_sname;
  void *dli_saddr;
} Dl_info;
int dladdr(const void *, Dl_info *);

#ifdef __cplusplus
}
#endif
#endif
