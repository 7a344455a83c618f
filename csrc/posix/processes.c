/* Processes and libraries, of which WASI can start and load none. */

#include "provided.h"
#include <dlfcn.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

PROVIDED pid_t fork(void) { return absent(); }
PROVIDED pid_t _Fork(void) { return absent(); }
PROVIDED pid_t vfork(void) { return absent(); }

/* Without a command, system() tells whether there is a shell. */
PROVIDED int system(const char *command) { return command == 0 ? 0 : absent(); }

PROVIDED FILE *popen(const char *command, const char *mode)
{
    (void)command, (void)mode;
    return absent_pointer();
}

PROVIDED int pclose(FILE *file)
{
    (void)file;
    errno = ECHILD;
    return -1;
}

PROVIDED int execve(const char *path, char *const arguments[], char *const variables[])
{
    (void)path, (void)arguments, (void)variables;
    return absent();
}

PROVIDED int execv(const char *path, char *const arguments[])
{
    (void)path, (void)arguments;
    return absent();
}

PROVIDED int execvp(const char *file, char *const arguments[]) { return execv(file, arguments); }

PROVIDED int execvpe(const char *file, char *const arguments[], char *const variables[])
{
    return execve(file, arguments, variables);
}

PROVIDED int execl(const char *path, const char *argument, ...)
{
    (void)path, (void)argument;
    return absent();
}

PROVIDED int execle(const char *path, const char *argument, ...)
{
    (void)path, (void)argument;
    return absent();
}

PROVIDED int execlp(const char *file, const char *argument, ...)
{
    (void)file, (void)argument;
    return absent();
}

PROVIDED int fexecve(int fd, char *const arguments[], char *const variables[])
{
    (void)fd, (void)arguments, (void)variables;
    return absent();
}

PROVIDED int daemon(int stays, int keeps)
{
    (void)stays, (void)keeps;
    return absent();
}

static pid_t no_children(void)
{
    errno = ECHILD;
    return -1;
}

PROVIDED pid_t wait(int *status)
{
    (void)status;
    return no_children();
}

PROVIDED pid_t waitpid(pid_t process, int *status, int options)
{
    (void)process, (void)status, (void)options;
    return no_children();
}

PROVIDED int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    (void)type, (void)id, (void)info, (void)options;
    return no_children();
}

PROVIDED pid_t wait3(int *status, int options, struct rusage *usage)
{
    (void)status, (void)options, (void)usage;
    return no_children();
}

PROVIDED pid_t wait4(pid_t process, int *status, int options, struct rusage *usage)
{
    (void)process, (void)status, (void)options, (void)usage;
    return no_children();
}

PROVIDED int posix_spawn(pid_t *restrict process, const char *restrict path,
                         const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *restrict attributes,
                         char *const *restrict arguments, char *const *restrict variables)
{
    (void)process, (void)path, (void)actions, (void)attributes, (void)arguments, (void)variables;
    return ENOSYS;
}

PROVIDED int posix_spawnp(pid_t *restrict process, const char *restrict file,
                          const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *restrict attributes,
                          char *const *restrict arguments, char *const *restrict variables)
{
    (void)process, (void)file, (void)actions, (void)attributes, (void)arguments, (void)variables;
    return ENOSYS;
}

PROVIDED int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    *actions = (posix_spawn_file_actions_t){0};
    return 0;
}

PROVIDED int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
    (void)actions;
    return 0;
}

PROVIDED int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd,
                                              const char *restrict path, int flags, mode_t mode)
{
    (void)fd, (void)path, (void)flags, (void)mode;
    actions->count++;
    return 0;
}

PROVIDED int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
{
    (void)fd;
    actions->count++;
    return 0;
}

PROVIDED int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int other)
{
    (void)fd, (void)other;
    actions->count++;
    return 0;
}

PROVIDED int posix_spawnattr_init(posix_spawnattr_t *attributes)
{
    *attributes = (posix_spawnattr_t){0};
    return 0;
}

PROVIDED int posix_spawnattr_destroy(posix_spawnattr_t *attributes)
{
    (void)attributes;
    return 0;
}

PROVIDED int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags)
{
    attributes->flags = flags;
    return 0;
}

PROVIDED int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group)
{
    attributes->group = group;
    return 0;
}

PROVIDED int posix_spawnattr_setsigmask(posix_spawnattr_t *restrict attributes, const sigset_t *restrict mask)
{
    attributes->mask = *mask;
    return 0;
}

PROVIDED int posix_spawnattr_setsigdefault(posix_spawnattr_t *restrict attributes, const sigset_t *restrict set)
{
    attributes->defaults = *set;
    return 0;
}

PROVIDED int posix_spawnattr_setschedpolicy(posix_spawnattr_t *attributes, int policy)
{
    attributes->policy = policy;
    return 0;
}

PROVIDED int posix_spawnattr_setschedparam(posix_spawnattr_t *restrict attributes,
                                           const struct sched_param *restrict parameters)
{
    attributes->parameters = *parameters;
    return 0;
}

PROVIDED int posix_spawnattr_getflags(const posix_spawnattr_t *restrict attributes, short *restrict flags)
{
    *flags = (short)attributes->flags;
    return 0;
}

PROVIDED int posix_spawnattr_getpgroup(const posix_spawnattr_t *restrict attributes, pid_t *restrict group)
{
    *group = attributes->group;
    return 0;
}

PROVIDED int posix_spawnattr_getsigmask(const posix_spawnattr_t *restrict attributes, sigset_t *restrict mask)
{
    *mask = attributes->mask;
    return 0;
}

PROVIDED int posix_spawnattr_getsigdefault(const posix_spawnattr_t *restrict attributes, sigset_t *restrict set)
{
    *set = attributes->defaults;
    return 0;
}

PROVIDED int posix_spawnattr_getschedpolicy(const posix_spawnattr_t *restrict attributes, int *restrict policy)
{
    *policy = attributes->policy;
    return 0;
}

PROVIDED int posix_spawnattr_getschedparam(const posix_spawnattr_t *restrict attributes,
                                           struct sched_param *restrict parameters)
{
    *parameters = attributes->parameters;
    return 0;
}

PROVIDED int sched_get_priority_max(int policy)
{
    (void)policy;
    return absent();
}

PROVIDED int sched_get_priority_min(int policy)
{
    (void)policy;
    return absent();
}

PROVIDED int sched_getparam(pid_t process, struct sched_param *parameters)
{
    (void)process, (void)parameters;
    return absent();
}

PROVIDED int sched_getscheduler(pid_t process)
{
    (void)process;
    return absent();
}

PROVIDED int sched_rr_get_interval(pid_t process, struct timespec *interval)
{
    (void)process, (void)interval;
    return absent();
}

PROVIDED int sched_setparam(pid_t process, const struct sched_param *parameters)
{
    (void)process, (void)parameters;
    return absent();
}

PROVIDED int sched_setscheduler(pid_t process, int policy, const struct sched_param *parameters)
{
    (void)process, (void)policy, (void)parameters;
    return absent();
}

static int has_load_error;

static void *load_error(void)
{
    has_load_error = 1;
    return 0;
}

PROVIDED void *dlopen(const char *file, int flags)
{
    (void)file, (void)flags;
    return load_error();
}

PROVIDED void *dlsym(void *restrict library, const char *restrict name)
{
    (void)library, (void)name;
    return load_error();
}

PROVIDED int dlclose(void *library)
{
    (void)library;
    load_error();
    return -1;
}

PROVIDED char *dlerror(void)
{
    static char message[] = "WebAssembly programs cannot load libraries";
    if (!has_load_error)
        return 0;
    has_load_error = 0;
    return message;
}

PROVIDED int dladdr(const void *address, Dl_info *info)
{
    (void)address, (void)info;
    return 0;
}
