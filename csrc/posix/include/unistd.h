/* <unistd.h> of wasi-libc, with what it leaves out (csrc/posix/program.c says what these functions do). */
#include_next <unistd.h>
#ifndef HEAPLINE_UNISTD_H
#define HEAPLINE_UNISTD_H

#ifdef __cplusplus
extern "C" {
#endif

int pipe(int[2]);
int pipe2(int[2], int);
int dup(int);
int dup2(int, int);
int dup3(int, int, int);
int chown(const char *, uid_t, gid_t);
int fchown(int, uid_t, gid_t);
int lchown(const char *, uid_t, gid_t);
int fchownat(int, const char *, uid_t, gid_t, int);
int fchdir(int);
unsigned alarm(unsigned);
int pause(void);
pid_t fork(void);
pid_t _Fork(void);
int execve(const char *, char *const[], char *const[]);
int execv(const char *, char *const[]);
int execvp(const char *, char *const[]);
int execl(const char *, const char *, ...);
int execle(const char *, const char *, ...);
int execlp(const char *, const char *, ...);
int fexecve(int, char *const[], char *const[]);
pid_t getppid(void);
pid_t getpgrp(void);
pid_t getpgid(pid_t);
pid_t getsid(pid_t);
int setpgid(pid_t, pid_t);
pid_t setsid(void);
char *ttyname(int);
int ttyname_r(int, char *, size_t);
pid_t tcgetpgrp(int);
int tcsetpgrp(int, pid_t);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int getgroups(int, gid_t[]);
int setuid(uid_t);
int seteuid(uid_t);
int setgid(gid_t);
int setegid(gid_t);

#if defined(_XOPEN_SOURCE) || defined(_GNU_SOURCE) || defined(_BSD_SOURCE)
pid_t setpgrp(void);
pid_t vfork(void);
unsigned ualarm(unsigned, unsigned);
int execvpe(const char *, char *const[], char *const[]);
int setgroups(size_t, const gid_t *);
int setreuid(uid_t, uid_t);
int setregid(gid_t, gid_t);
int lockf(int, int, off_t);
int nice(int);
void sync(void);
int syncfs(int);
int chroot(const char *);
int daemon(int, int);
int getdtablesize(void);
int sethostname(const char *, size_t);
char *getpass(const char *);
int issetugid(void);
char *get_current_dir_name(void);
int eaccess(const char *, int);
int euidaccess(const char *, int);
pid_t gettid(void);
#define lockf64 lockf
#endif

#ifdef __cplusplus
}
#endif
#endif
