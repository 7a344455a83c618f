/* <dlfcn.h> of wasi-libc, which older ones do not have, with dladdr. Nothing can be loaded here, and dlerror() says so. */
#if __has_include_next(<dlfcn.h>)
#include_next <dlfcn.h>
#endif
#ifndef HEAPLINE_DLFCN_H
#define HEAPLINE_DLFCN_H

#ifndef RTLD_LAZY
#define RTLD_LAZY 1
#define RTLD_NOW 2
#define RTLD_GLOBAL 256
#define RTLD_LOCAL 0
#endif
#ifndef RTLD_DEFAULT
#define RTLD_NEXT ((void *)-1)
#define RTLD_DEFAULT ((void *)0)
#endif

#ifdef __cplusplus
extern "C" {
#endif

void *dlopen(const char *, int);
void *dlsym(void *__restrict, const char *__restrict);
int dlclose(void *);
char *dlerror(void);

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
