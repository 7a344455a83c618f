/* Semaphores and what programs ask of threads. There is one thread, and wasi-libc has the locks that never wait. */

#include "provided.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

PROVIDED int sem_init(sem_t *semaphore, int shared, unsigned value)
{
    (void)shared;
    *semaphore = (sem_t){0};
    semaphore->__val[0] = (int)value;
    return 0;
}

PROVIDED int sem_destroy(sem_t *semaphore)
{
    (void)semaphore;
    return 0;
}

PROVIDED int sem_post(sem_t *semaphore)
{
    semaphore->__val[0]++;
    return 0;
}

PROVIDED int sem_getvalue(sem_t *restrict semaphore, int *restrict value)
{
    *value = semaphore->__val[0];
    return 0;
}

static int take(sem_t *semaphore, int otherwise)
{
    if (semaphore->__val[0] > 0) {
        semaphore->__val[0]--;
        return 0;
    }
    errno = otherwise;
    return -1;
}

/* Nobody else could post, so that a wait would never end. */
PROVIDED int sem_wait(sem_t *semaphore) { return take(semaphore, EDEADLK); }
PROVIDED int sem_trywait(sem_t *semaphore) { return take(semaphore, EAGAIN); }

PROVIDED int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    (void)until;
    return take(semaphore, ETIMEDOUT);
}

PROVIDED sem_t *sem_open(const char *name, int flags, ...)
{
    (void)name, (void)flags;
    absent();
    return SEM_FAILED;
}

PROVIDED int sem_close(sem_t *semaphore)
{
    (void)semaphore;
    return absent();
}

PROVIDED int sem_unlink(const char *name)
{
    (void)name;
    return absent();
}

/* The handlers are called by fork(), which always fails. */
PROVIDED int pthread_atfork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    (void)before, (void)in_parent, (void)in_child;
    return 0;
}

PROVIDED int pthread_getconcurrency(void) { return 0; }

PROVIDED int pthread_setconcurrency(int level)
{
    (void)level;
    return 0;
}

PROVIDED int pthread_setschedprio(pthread_t thread, int priority)
{
    (void)thread, (void)priority;
    return ENOSYS;
}

PROVIDED int pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
    (void)thread, (void)clock;
    return ENOSYS;
}

/* Attributes of threads have one value each. Setting another one fails. */
static int only(int asked, int known) { return asked == known ? 0 : ENOTSUP; }

PROVIDED int pthread_attr_getscope(const pthread_attr_t *restrict attributes, int *restrict scope)
{
    (void)attributes;
    *scope = PTHREAD_SCOPE_SYSTEM;
    return 0;
}

PROVIDED int pthread_attr_setscope(pthread_attr_t *attributes, int scope)
{
    (void)attributes;
    return only(scope, PTHREAD_SCOPE_SYSTEM);
}

PROVIDED int pthread_attr_getschedpolicy(const pthread_attr_t *restrict attributes, int *restrict policy)
{
    (void)attributes;
    *policy = SCHED_OTHER;
    return 0;
}

PROVIDED int pthread_attr_setschedpolicy(pthread_attr_t *attributes, int policy)
{
    (void)attributes;
    return only(policy, SCHED_OTHER);
}

PROVIDED int pthread_attr_getinheritsched(const pthread_attr_t *restrict attributes, int *restrict inherits)
{
    (void)attributes;
    *inherits = PTHREAD_INHERIT_SCHED;
    return 0;
}

PROVIDED int pthread_attr_setinheritsched(pthread_attr_t *attributes, int inherits)
{
    (void)attributes;
    return only(inherits, PTHREAD_INHERIT_SCHED);
}

PROVIDED int pthread_mutex_setprioceiling(pthread_mutex_t *restrict mutex, int ceiling, int *restrict before)
{
    (void)mutex, (void)ceiling, (void)before;
    return ENOSYS;
}

PROVIDED int pthread_mutexattr_getprioceiling(const pthread_mutexattr_t *restrict attributes, int *restrict ceiling)
{
    (void)attributes, (void)ceiling;
    return ENOSYS;
}

PROVIDED int pthread_mutexattr_setprioceiling(pthread_mutexattr_t *attributes, int ceiling)
{
    (void)attributes, (void)ceiling;
    return ENOSYS;
}
