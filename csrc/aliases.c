/* aliases.c -- the names under which libcs and compilers reach the same functions.
 *
 * Every symbol of wasi-libc's dlmalloc.o and of Emscripten's libdlmalloc that anything refers to is defined
 * here or above, so that neither object is ever pulled in.
 */
#include "platform.h"

#define HL_ALIAS(of) __attribute__((alias(#of)))

extern void *__libc_malloc(size_t) HL_ALIAS(malloc);
extern void *__libc_calloc(size_t, size_t) HL_ALIAS(calloc);
extern void *__libc_realloc(void *, size_t) HL_ALIAS(realloc);
extern void __libc_free(void *) HL_ALIAS(free);
extern void *__libc_memalign(size_t, size_t) HL_ALIAS(memalign);
extern void *__reallocarray(void *, size_t, size_t) HL_ALIAS(reallocarray);
#ifdef __EMSCRIPTEN__
extern void *emscripten_builtin_malloc(size_t) HL_ALIAS(malloc);
extern void *emscripten_builtin_calloc(size_t, size_t) HL_ALIAS(calloc);
extern void *emscripten_builtin_realloc(void *, size_t) HL_ALIAS(realloc);
extern void emscripten_builtin_free(void *) HL_ALIAS(free);
extern void *emscripten_builtin_memalign(size_t, size_t) HL_ALIAS(memalign);
#endif
