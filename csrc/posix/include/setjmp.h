/* <setjmp.h> of wasi-libc, with the jumps that keep the mask of signals. */
#include_next <setjmp.h>
#ifndef HEAPLINE_SETJMP_H
#define HEAPLINE_SETJMP_H

#ifdef __cplusplus
extern "C" {
#endif

void heapline_keep_mask(struct __jmp_buf_tag *, int);
void heapline_restore_mask(const struct __jmp_buf_tag *);

#ifdef __cplusplus
}
#endif

#define sigsetjmp(buffer, keeps) (heapline_keep_mask(buffer, keeps), setjmp(buffer))
#define siglongjmp(buffer, value) (heapline_restore_mask(buffer), longjmp(buffer, value))
#define _setjmp(buffer) setjmp(buffer)
#define _longjmp(buffer, value) longjmp(buffer, value)
#endif
