/* Who the process is and what it may use. The host has said the first; WASI cannot change either. */

#include "provided.h"
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#include <ulimit.h>
#include <unistd.h>
#include <utmpx.h>

#define DESCRIPTORS 1024

PROVIDED pid_t getpid(void) { return hl_identity.process; }
PROVIDED pid_t getppid(void) { return hl_identity.parent; }
PROVIDED pid_t gettid(void) { return hl_identity.process; }
PROVIDED pid_t getpgrp(void) { return hl_identity.process; }

PROVIDED pid_t getpgid(pid_t process)
{
    return process == 0 || process == hl_identity.process ? hl_identity.process : absent();
}

PROVIDED pid_t getsid(pid_t process) { return getpgid(process); }

PROVIDED int setpgid(pid_t process, pid_t group)
{
    (void)process, (void)group;
    return absent();
}

PROVIDED pid_t setpgrp(void) { return absent(); }
PROVIDED pid_t setsid(void) { return absent(); }

PROVIDED uid_t getuid(void) { return hl_identity.user; }
PROVIDED uid_t geteuid(void) { return hl_identity.effective_user; }
PROVIDED gid_t getgid(void) { return hl_identity.group; }
PROVIDED gid_t getegid(void) { return hl_identity.effective_group; }
PROVIDED int issetugid(void) { return 0; }

PROVIDED int getgroups(int most, gid_t groups[])
{
    if (most > 0)
        groups[0] = hl_identity.group;
    return 1;
}

/* Setting what already is succeeds. */
static int keeps(unsigned asked, unsigned current) { return asked == current ? 0 : absent(); }

PROVIDED int setuid(uid_t user) { return keeps(user, hl_identity.user); }
PROVIDED int seteuid(uid_t user) { return keeps(user, hl_identity.effective_user); }
PROVIDED int setgid(gid_t group) { return keeps(group, hl_identity.group); }
PROVIDED int setegid(gid_t group) { return keeps(group, hl_identity.effective_group); }

PROVIDED int setreuid(uid_t real, uid_t effective)
{
    return setuid(real) < 0 ? -1 : seteuid(effective);
}

PROVIDED int setregid(gid_t real, gid_t effective)
{
    return setgid(real) < 0 ? -1 : setegid(effective);
}

PROVIDED int setgroups(size_t count, const gid_t *groups)
{
    (void)count, (void)groups;
    return absent();
}

PROVIDED int initgroups(const char *user, gid_t group)
{
    (void)user, (void)group;
    return absent();
}

PROVIDED int chown(const char *path, uid_t user, gid_t group)
{
    (void)path, (void)user, (void)group;
    return absent();
}

PROVIDED int fchown(int fd, uid_t user, gid_t group)
{
    (void)fd, (void)user, (void)group;
    return absent();
}

PROVIDED int lchown(const char *path, uid_t user, gid_t group) { return chown(path, user, group); }

PROVIDED int fchownat(int fd, const char *path, uid_t user, gid_t group, int flags)
{
    (void)fd, (void)flags;
    return chown(path, user, group);
}

PROVIDED int chroot(const char *path)
{
    (void)path;
    return absent();
}

/* Kept for the program only: the host creates files with the mask of its process. */
PROVIDED mode_t umask(mode_t mask)
{
    mode_t before = hl_identity.mask;
    hl_identity.mask = mask & 0777;
    return before;
}

PROVIDED int eaccess(const char *path, int mode) { return access(path, mode); }
PROVIDED int euidaccess(const char *path, int mode) { return access(path, mode); }
PROVIDED char *get_current_dir_name(void) { return getcwd(0, 0); }

static char *variable(const char *name, const char *otherwise)
{
    char *value = getenv(name);
    return value != 0 && *value != 0 ? value : (char *)otherwise;
}

static struct passwd *own_entry(void)
{
    static struct passwd entry;
    char *name = variable("USER", variable("LOGNAME", hl_identity.user == 0 ? "root" : "user"));
    entry = (struct passwd){name, (char *)"x", hl_identity.user, hl_identity.group, name, variable("HOME", "/"),
                            variable("SHELL", "/bin/sh")};
    return &entry;
}

PROVIDED struct passwd *getpwuid(uid_t user) { return user == hl_identity.user ? own_entry() : 0; }

PROVIDED struct passwd *getpwnam(const char *name)
{
    struct passwd *entry = own_entry();
    return strcmp(entry->pw_name, name) == 0 ? entry : 0;
}

/* The strings are those of the environment, so the buffer stays empty. */
static int give_entry(struct passwd *found, struct passwd *entry, struct passwd **result)
{
    if (found != 0)
        *entry = *found;
    *result = found == 0 ? 0 : entry;
    return 0;
}

PROVIDED int getpwuid_r(uid_t user, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
    (void)buffer, (void)size;
    return give_entry(getpwuid(user), entry, result);
}

PROVIDED int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
    (void)buffer, (void)size;
    return give_entry(getpwnam(name), entry, result);
}

PROVIDED struct passwd *getpwent(void) { return 0; }
PROVIDED void setpwent(void) {}
PROVIDED void endpwent(void) {}

PROVIDED struct group *getgrgid(gid_t group)
{
    (void)group;
    return 0;
}

PROVIDED struct group *getgrnam(const char *name)
{
    (void)name;
    return 0;
}

PROVIDED int getgrgid_r(gid_t group, struct group *entry, char *buffer, size_t size, struct group **result)
{
    (void)group, (void)entry, (void)buffer, (void)size;
    *result = 0;
    return 0;
}

PROVIDED int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **result)
{
    (void)name, (void)entry, (void)buffer, (void)size;
    *result = 0;
    return 0;
}

PROVIDED struct group *getgrent(void) { return 0; }
PROVIDED void setgrent(void) {}
PROVIDED void endgrent(void) {}
PROVIDED char *getlogin(void) { return own_entry()->pw_name; }

PROVIDED int getlogin_r(char *name, size_t size)
{
    const char *own = getlogin();
    if (strlen(own) >= size)
        return ERANGE;
    strcpy(name, own);
    return 0;
}

PROVIDED char *getpass(const char *prompt)
{
    (void)prompt;
    return absent_pointer();
}

PROVIDED int getrlimit(int resource, struct rlimit *limit)
{
    rlim_t most = resource == RLIMIT_NOFILE ? DESCRIPTORS : RLIM_INFINITY;
    *limit = (struct rlimit){most, most};
    return 0;
}

PROVIDED int setrlimit(int resource, const struct rlimit *limit)
{
    (void)resource, (void)limit;
    return absent();
}

/* The size of files, in blocks of 512 bytes, has no limit. */
PROVIDED long ulimit(int command, ...) { return command == UL_GETFSIZE ? LONG_MAX : absent(); }

PROVIDED int getdtablesize(void) { return DESCRIPTORS; }

PROVIDED int getpriority(int which, id_t who)
{
    (void)which, (void)who;
    return 0;
}

PROVIDED int setpriority(int which, id_t who, int priority)
{
    (void)which, (void)who;
    return priority == 0 ? 0 : absent();
}

PROVIDED int nice(int more) { return more == 0 ? 0 : absent(); }

PROVIDED int getloadavg(double *averages, int count)
{
    (void)averages, (void)count;
    return -1;
}

/* The processor time is the time since the start, which is all that WASI tells. */
PROVIDED int getrusage(int who, struct rusage *usage)
{
    *usage = (struct rusage){{0, 0}, {0, 0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    if (who == RUSAGE_CHILDREN)
        return 0;
    if (who != RUSAGE_SELF) {
        errno = EINVAL;
        return -1;
    }
    long long microseconds = (long long)clock() / (CLOCKS_PER_SEC / 1000000);
    usage->ru_utime.tv_sec = microseconds / 1000000;
    usage->ru_utime.tv_usec = microseconds % 1000000;
    usage->ru_maxrss = (long)(__builtin_wasm_memory_size(0) * 64);
    return 0;
}

PROVIDED int settimeofday(const struct timeval *time, const struct timezone *zone)
{
    (void)time, (void)zone;
    return absent();
}

PROVIDED int clock_settime(clockid_t clock, const struct timespec *time)
{
    (void)clock, (void)time;
    return absent();
}

PROVIDED int clock_getcpuclockid(pid_t process, clockid_t *clock)
{
    (void)process, (void)clock;
    return ENOSYS;
}

PROVIDED void setutxent(void) {}
PROVIDED void endutxent(void) {}
PROVIDED struct utmpx *getutxent(void) { return 0; }

PROVIDED struct utmpx *getutxid(const struct utmpx *wanted)
{
    (void)wanted;
    return 0;
}

PROVIDED struct utmpx *getutxline(const struct utmpx *wanted)
{
    (void)wanted;
    return 0;
}

PROVIDED struct utmpx *pututxline(const struct utmpx *entry)
{
    (void)entry;
    return absent_pointer();
}

PROVIDED char *tzname[2] = {(char *)"UTC", (char *)"UTC"};
PROVIDED int daylight = 0;
PROVIDED long timezone = 0;
PROVIDED void tzset(void) {}

PROVIDED int sethostname(const char *name, size_t length)
{
    (void)name, (void)length;
    return absent();
}

PROVIDED void *valloc(size_t size) { return aligned_alloc(PAGESIZE, (size + PAGESIZE - 1) & ~(size_t)(PAGESIZE - 1)); }

/* Nobody reads what is logged. */
static int log_mask = 0xff;

PROVIDED void openlog(const char *name, int options, int facility) { (void)name, (void)options, (void)facility; }
PROVIDED void closelog(void) {}

PROVIDED void vsyslog(int priority, const char *format, va_list arguments)
{
    (void)priority, (void)format, (void)arguments;
}

PROVIDED void syslog(int priority, const char *format, ...) { (void)priority, (void)format; }

PROVIDED int setlogmask(int mask)
{
    int before = log_mask;
    if (mask != 0)
        log_mask = mask;
    return before;
}

static int no_terminal(int fd)
{
    errno = isatty(fd) ? ENOSYS : errno;
    return -1;
}

PROVIDED char *ttyname(int fd)
{
    no_terminal(fd);
    return 0;
}

PROVIDED int ttyname_r(int fd, char *name, size_t size)
{
    (void)name, (void)size;
    no_terminal(fd);
    return errno;
}

PROVIDED char *ctermid(char *name)
{
    static char terminal[L_ctermid];
    return strcpy(name == 0 ? terminal : name, "/dev/tty");
}

PROVIDED pid_t tcgetpgrp(int fd) { return no_terminal(fd); }

PROVIDED int tcsetpgrp(int fd, pid_t group)
{
    (void)group;
    return no_terminal(fd);
}

PROVIDED pid_t tcgetsid(int fd) { return no_terminal(fd); }

PROVIDED int posix_openpt(int flags)
{
    (void)flags;
    return absent();
}

PROVIDED int grantpt(int fd) { return no_terminal(fd); }
PROVIDED int unlockpt(int fd) { return no_terminal(fd); }

PROVIDED char *ptsname(int fd)
{
    no_terminal(fd);
    return 0;
}

PROVIDED int tcgetattr(int fd, struct termios *settings)
{
    (void)settings;
    return no_terminal(fd);
}

PROVIDED int tcsetattr(int fd, int when, const struct termios *settings)
{
    (void)when, (void)settings;
    return no_terminal(fd);
}

PROVIDED int tcsendbreak(int fd, int duration)
{
    (void)duration;
    return no_terminal(fd);
}

PROVIDED int tcdrain(int fd) { return no_terminal(fd); }

PROVIDED int tcflush(int fd, int which)
{
    (void)which;
    return no_terminal(fd);
}

PROVIDED int tcflow(int fd, int action)
{
    (void)action;
    return no_terminal(fd);
}

PROVIDED speed_t cfgetispeed(const struct termios *settings) { return settings->c_ispeed; }
PROVIDED speed_t cfgetospeed(const struct termios *settings) { return settings->c_ospeed; }

PROVIDED int cfsetispeed(struct termios *settings, speed_t speed)
{
    settings->c_ispeed = speed;
    return 0;
}

PROVIDED int cfsetospeed(struct termios *settings, speed_t speed)
{
    settings->c_ospeed = speed;
    return 0;
}

PROVIDED int cfsetspeed(struct termios *settings, speed_t speed)
{
    settings->c_ispeed = settings->c_ospeed = speed;
    return 0;
}

PROVIDED void cfmakeraw(struct termios *settings)
{
    settings->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    settings->c_oflag &= ~(tcflag_t)OPOST;
    settings->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings->c_cflag = (settings->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    settings->c_cc[VMIN] = 1;
    settings->c_cc[VTIME] = 0;
}
