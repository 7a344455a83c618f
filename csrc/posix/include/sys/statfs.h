/* <sys/statfs.h> of Linux. WASI tells nothing of file systems: the calls fail with ENOSYS. */
#ifndef _SYS_STATFS_H
#define _SYS_STATFS_H
#include <sys/statvfs.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int __val[2];
} fsid_t;
struct statfs {
  unsigned long f_type;
  unsigned long f_bsize;
  fsblkcnt_t f_blocks;
  fsblkcnt_t f_bfree;
  fsblkcnt_t f_bavail;
  fsfilcnt_t f_files;
  fsfilcnt_t f_ffree;
  fsid_t f_fsid;
  unsigned long f_namelen;
  unsigned long f_frsize;
  unsigned long f_flags;
};

int statfs(const char *, struct statfs *);
int fstatfs(int, struct statfs *);

#ifdef __cplusplus
}
#endif
#endif
