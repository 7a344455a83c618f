/* wasi-gaps.h -- included before every corpus source: two POSIX functions that WASI lacks. The libraries mention them
 * on paths that the drivers never take (expat seeds a hash with getpid, tree-sitter's graph dumps call dup). */
#ifdef __wasi__
#define getpid corpus_getpid
#define dup corpus_dup
static inline int corpus_getpid(void) { return 1; }
static inline int corpus_dup(int descriptor) {
  (void)descriptor;
  return -1;
}
#endif
