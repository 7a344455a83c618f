/* What a program that `heapline cc` has linked needs beside wasi-libc. Only such programs link this object, because
 * sandboxes of the library have neither a working directory nor a process.
 *
 * wasi-libc leaves out what WASI has no call for, so most programs of Unix would not even compile. Here they do
 * (include/ has the headers), and each function does what can be done inside of one process:
 *
 *   temporary-files.c   tmpfile, tmpnam, mkstemp, mkdtemp: work
 *   signals.c           signal, raise, sigaction, kill, masks: work for signals that the program raises itself
 *   descriptors.c       pipe: works within the process. Locks of files always succeed, because WASI cannot ask for them
 *   mappings.c          mmap, munmap, msync: work, and others see shared pages when they are written back
 *   paths.c             realpath, ftw: work. The space of file systems: fails with ENOSYS
 *   processes.c         fork, exec, system, popen: fail with ENOSYS. wait: fails with ECHILD, as there are no children
 *   shared.c            shared memory, queues, semaphores, asynchronous I/O: fail with ENOSYS
 *   threads.c           semaphores: work as long as nobody would wait
 *   users.c             the process, the user and the limits: as the host says; what would change them fails
 *   sockets.c           fail with ENOSYS; no name can be looked up
 */

#include "provided.h"
#include <stdlib.h>
#include <unistd.h>

struct identity hl_identity;

/* Reads whole numbers that are separated by spaces. */
static void read_identity(const char *text)
{
    unsigned values[7] = {0};
    for (int i = 0; i < 7 && *text != 0; i++) {
        while (*text >= '0' && *text <= '9')
            values[i] = values[i] * 10 + (unsigned)(*text++ - '0');
        while (*text == ' ')
            text++;
    }
    hl_identity = (struct identity){(int)values[0], (int)values[1], values[2], values[3],
                                    values[4],      values[5],      values[6]};
}

/* The host sets PWD to the working directory and HEAPLINE_IDENTITY to who the process is, which the program does not
 * see. 101 is the first priority that programs may use. */
__attribute__((constructor(101))) static void start_as_the_process(void)
{
    const char *directory = getenv("PWD");
    if (directory != 0)
        chdir(directory);
    const char *identity = getenv("HEAPLINE_IDENTITY");
    if (identity == 0)
        return;
    read_identity(identity);
    unsetenv("HEAPLINE_IDENTITY");
}

#include "descriptors.c"
#include "mappings.c"
#include "paths.c"
#include "processes.c"
#include "shared.c"
#include "signals.c"
#include "sockets.c"
#include "temporary-files.c"
#include "threads.c"
#include "users.c"
