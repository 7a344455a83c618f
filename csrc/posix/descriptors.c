/* Pipes, locks and duplicates of descriptors. */

#include "provided.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <wasi/api.h>

/* A pipe within one process is a file: one end appends to it, the other one reads from its start. A read finds the end
 * of the file where a native one would wait for ever, because nobody else can write. */
PROVIDED int pipe(int ends[2])
{
    char path[] = "/tmp/pipe_XXXXXX";
    int first = mkstemp(path);
    if (first < 0)
        return -1;
    int reader = open(path, O_RDONLY);
    int writer = reader < 0 ? -1 : open(path, O_WRONLY | O_APPEND);
    int error = errno;
    unlink(path);
    close(first);
    if (writer < 0) {
        if (reader >= 0)
            close(reader);
        errno = error;
        return -1;
    }
    ends[0] = reader;
    ends[1] = writer;
    return 0;
}

PROVIDED int pipe2(int ends[2], int flags)
{
    (void)flags;
    return pipe(ends);
}

PROVIDED int dup(int fd)
{
    (void)fd;
    return absent();
}

PROVIDED int dup2(int fd, int other)
{
    if (fd == other && fcntl(fd, F_GETFL) >= 0)
        return fd;
    return absent();
}

PROVIDED int dup3(int fd, int other, int flags)
{
    (void)fd, (void)other, (void)flags;
    return absent();
}

static int get_flags(int fd)
{
    __wasi_fdstat_t stat;
    __wasi_errno_t error = __wasi_fd_fdstat_get(fd, &stat);
    if (error != 0) {
        errno = error;
        return -1;
    }
    int reads = (stat.fs_rights_base & (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_READDIR)) != 0;
    int writes = (stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE) != 0;
    return stat.fs_flags | (reads ? writes ? O_RDWR : O_RDONLY : writes ? O_WRONLY : O_SEARCH);
}

static int set_flags(int fd, int flags)
{
    __wasi_errno_t error = __wasi_fd_fdstat_set_flags(fd, flags & 0xfff);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

/* As in wasi-libc, with locks: a process is never kept from a file by its own locks. */
PROVIDED int fcntl(int fd, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    struct flock *lock;
    int result = 0;
    switch (command) {
    case F_GETFD:
        result = get_flags(fd) < 0 ? -1 : FD_CLOEXEC;
        break;
    case F_SETFD:
        result = get_flags(fd) < 0 ? -1 : 0;
        break;
    case F_GETFL:
        result = get_flags(fd);
        break;
    case F_SETFL:
        result = set_flags(fd, va_arg(rest, int));
        break;
    case F_GETLK:
        lock = va_arg(rest, struct flock *);
        result = get_flags(fd) < 0 ? -1 : 0;
        if (result == 0)
            lock->l_type = F_UNLCK;
        break;
    case F_SETLK:
    case F_SETLKW:
        result = get_flags(fd) < 0 ? -1 : 0;
        break;
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        result = absent();
        break;
    default:
        errno = EINVAL;
        result = -1;
    }
    va_end(rest);
    return result;
}

PROVIDED int flock(int fd, int operation)
{
    (void)operation;
    return get_flags(fd) < 0 ? -1 : 0;
}

PROVIDED int lockf(int fd, int command, off_t length)
{
    (void)command, (void)length;
    return get_flags(fd) < 0 ? -1 : 0;
}

PROVIDED int mkfifo(const char *path, mode_t mode)
{
    (void)path, (void)mode;
    return absent();
}

PROVIDED int mkfifoat(int fd, const char *path, mode_t mode)
{
    (void)fd, (void)path, (void)mode;
    return absent();
}

PROVIDED int mknod(const char *path, mode_t mode, dev_t device)
{
    (void)path, (void)mode, (void)device;
    return absent();
}

PROVIDED int mknodat(int fd, const char *path, mode_t mode, dev_t device)
{
    (void)fd, (void)path, (void)mode, (void)device;
    return absent();
}

PROVIDED int fchdir(int fd)
{
    (void)fd;
    return absent();
}

PROVIDED void sync(void) {}

PROVIDED int syncfs(int fd) { return get_flags(fd) < 0 ? -1 : 0; }

static struct timespec as_timespec(struct timeval time)
{
    return (struct timespec){.tv_sec = time.tv_sec, .tv_nsec = (long)time.tv_usec * 1000};
}

PROVIDED int futimes(int fd, const struct timeval times[2])
{
    if (times == 0)
        return futimens(fd, 0);
    struct timespec exact[2] = {as_timespec(times[0]), as_timespec(times[1])};
    return futimens(fd, exact);
}

PROVIDED int lutimes(const char *path, const struct timeval times[2])
{
    if (times == 0)
        return utimensat(AT_FDCWD, path, 0, AT_SYMLINK_NOFOLLOW);
    struct timespec exact[2] = {as_timespec(times[0]), as_timespec(times[1])};
    return utimensat(AT_FDCWD, path, exact, AT_SYMLINK_NOFOLLOW);
}

static void no_lock(FILE *file) { (void)file; }

PROVIDED void flockfile(FILE *file) { no_lock(file); }
PROVIDED void funlockfile(FILE *file) { no_lock(file); }

PROVIDED int ftrylockfile(FILE *file)
{
    no_lock(file);
    return 0;
}
