/* What processes share with each other, and work that goes on beside a program: WASI has neither. */

#include "provided.h"
#include <aio.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

PROVIDED key_t ftok(const char *path, int project)
{
    (void)path, (void)project;
    return absent();
}

PROVIDED int msgctl(int queue, int command, struct msqid_ds *result)
{
    (void)queue, (void)command, (void)result;
    return absent();
}

PROVIDED int msgget(key_t key, int flags)
{
    (void)key, (void)flags;
    return absent();
}

PROVIDED ssize_t msgrcv(int queue, void *message, size_t size, long type, int flags)
{
    (void)queue, (void)message, (void)size, (void)type, (void)flags;
    return absent();
}

PROVIDED int msgsnd(int queue, const void *message, size_t size, int flags)
{
    (void)queue, (void)message, (void)size, (void)flags;
    return absent();
}

PROVIDED mqd_t mq_open(const char *name, int flags, ...)
{
    (void)name, (void)flags;
    return absent();
}

PROVIDED int mq_close(mqd_t queue)
{
    (void)queue;
    return absent();
}

PROVIDED int mq_unlink(const char *name)
{
    (void)name;
    return absent();
}

PROVIDED int mq_getattr(mqd_t queue, struct mq_attr *attributes)
{
    (void)queue, (void)attributes;
    return absent();
}

PROVIDED int mq_setattr(mqd_t queue, const struct mq_attr *restrict attributes, struct mq_attr *restrict before)
{
    (void)queue, (void)attributes, (void)before;
    return absent();
}

PROVIDED int mq_notify(mqd_t queue, const struct sigevent *event)
{
    (void)queue, (void)event;
    return absent();
}

PROVIDED ssize_t mq_receive(mqd_t queue, char *message, size_t size, unsigned *priority)
{
    (void)queue, (void)message, (void)size, (void)priority;
    return absent();
}

PROVIDED int mq_send(mqd_t queue, const char *message, size_t size, unsigned priority)
{
    (void)queue, (void)message, (void)size, (void)priority;
    return absent();
}

PROVIDED ssize_t mq_timedreceive(mqd_t queue, char *restrict message, size_t size, unsigned *restrict priority,
                                 const struct timespec *restrict until)
{
    (void)until;
    return mq_receive(queue, message, size, priority);
}

PROVIDED int mq_timedsend(mqd_t queue, const char *message, size_t size, unsigned priority,
                          const struct timespec *until)
{
    (void)until;
    return mq_send(queue, message, size, priority);
}

PROVIDED int semctl(int semaphores, int number, int command, ...)
{
    (void)semaphores, (void)number, (void)command;
    return absent();
}

PROVIDED int semget(key_t key, int count, int flags)
{
    (void)key, (void)count, (void)flags;
    return absent();
}

PROVIDED int semop(int semaphores, struct sembuf *operations, size_t count)
{
    (void)semaphores, (void)operations, (void)count;
    return absent();
}

PROVIDED int shm_open(const char *name, int flags, mode_t mode)
{
    (void)name, (void)flags, (void)mode;
    return absent();
}

PROVIDED int shm_unlink(const char *name)
{
    (void)name;
    return absent();
}

PROVIDED void *shmat(int segment, const void *address, int flags)
{
    (void)segment, (void)address, (void)flags;
    absent();
    return (void *)-1;
}

PROVIDED int shmctl(int segment, int command, struct shmid_ds *result)
{
    (void)segment, (void)command, (void)result;
    return absent();
}

PROVIDED int shmdt(const void *address)
{
    (void)address;
    return absent();
}

PROVIDED int shmget(key_t key, size_t size, int flags)
{
    (void)key, (void)size, (void)flags;
    return absent();
}

static int no_request(const struct aiocb *request)
{
    (void)request;
    return absent();
}

PROVIDED int aio_read(struct aiocb *request) { return no_request(request); }
PROVIDED int aio_write(struct aiocb *request) { return no_request(request); }
PROVIDED ssize_t aio_return(struct aiocb *request) { return no_request(request); }

PROVIDED int aio_error(const struct aiocb *request)
{
    (void)request;
    return ENOSYS;
}

PROVIDED int aio_cancel(int fd, struct aiocb *request)
{
    (void)fd;
    return no_request(request);
}

PROVIDED int aio_fsync(int operation, struct aiocb *request)
{
    (void)operation;
    return no_request(request);
}

PROVIDED int aio_suspend(const struct aiocb *const requests[], int count, const struct timespec *limit)
{
    (void)requests, (void)count, (void)limit;
    return absent();
}

PROVIDED int lio_listio(int mode, struct aiocb *restrict const *restrict requests, int count,
                        struct sigevent *restrict event)
{
    (void)mode, (void)requests, (void)count, (void)event;
    return absent();
}
