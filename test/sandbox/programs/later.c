/* What Emscripten calls by itself, after the host's call has returned. */
#include <emscripten.h>
#include <stdlib.h>

static void *kept[10];
static int count;

static void keep(void *size) { kept[count++] = malloc((size_t)size); }
static void leave(void *status) { exit((int)status); }
static void fail(void *unused) { abort(); }
static void deep(void *pointer) { fail(pointer); }

void keep_later(int size, int delay) { emscripten_async_call(keep, (void *)size, delay); }
void exit_later(int status, int delay) { emscripten_async_call(leave, (void *)status, delay); }
void trap_later(int delay) { emscripten_async_call(deep, NULL, delay); }
int calls(void) { return count; }
