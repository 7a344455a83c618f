/* Mapped memory: pages of the heap, which are filled from the file and, when they are shared, written back to it by msync
 * and munmap. Other processes see them then, and not at once. All mappings are in one list, so that they are no leaks, as
 * natively. */

#include "provided.h"
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct mapping {
    struct mapping *next;
    char *start;
    size_t length; /* as it was asked for */
    size_t pages;  /* that are still mapped */
    int fd;        /* that changes are written to; -1 for none */
    off_t offset;
    dev_t device; /* of the file, because the descriptor may be another file's later */
    ino_t inode;
};
static struct mapping *mappings;

static size_t pages_in(size_t length) { return length / PAGESIZE + (length % PAGESIZE != 0); }

static int fail_with(int error)
{
    errno = error;
    return -1;
}

static void *fail_mapping(int error)
{
    errno = error;
    return MAP_FAILED;
}

/* Fills memory from a file. The part behind the file's end stays zero. */
static int fill(char *at, size_t length, int fd, off_t offset)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = pread(fd, at + done, length - done, offset + (off_t)done);
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return 0;
}

static int write_back(const struct mapping *mapping)
{
    struct stat file;
    if (mapping->fd < 0 || fstat(mapping->fd, &file) < 0 || file.st_dev != mapping->device ||
        file.st_ino != mapping->inode)
        return 0;
    size_t length = mapping->length;
    if ((off_t)length > file.st_size - mapping->offset)
        length = file.st_size > mapping->offset ? (size_t)(file.st_size - mapping->offset) : 0;
    for (size_t done = 0; done < length;) {
        ssize_t count = pwrite(mapping->fd, mapping->start + done, length - done, mapping->offset + (off_t)done);
        if (count <= 0)
            return -1;
        done += (size_t)count;
    }
    return 0;
}

PROVIDED void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    int anonymous = (flags & MAP_ANONYMOUS) != 0;
    struct stat file = {0};
    if (length == 0 || offset % PAGESIZE != 0 || ((flags & MAP_SHARED) != 0) == ((flags & MAP_PRIVATE) != 0))
        return fail_mapping(EINVAL);
    if (flags & MAP_FIXED)
        return fail_mapping(ENOTSUP);
    (void)address;
    if (!anonymous && fstat(fd, &file) < 0)
        return MAP_FAILED;
    struct mapping *mapping = malloc(sizeof *mapping);
    char *start = length > SIZE_MAX - PAGESIZE ? 0 : aligned_alloc(PAGESIZE, pages_in(length) * PAGESIZE);
    if (mapping == 0 || start == 0) {
        free(mapping), free(start);
        return fail_mapping(ENOMEM);
    }
    memset(start, 0, pages_in(length) * PAGESIZE);
    if (!anonymous && fill(start, length, fd, offset) < 0) {
        free(mapping), free(start);
        return MAP_FAILED;
    }
    int writes = !anonymous && (flags & MAP_SHARED) && (protection & PROT_WRITE);
    *mapping = (struct mapping){mappings, start,  length,      pages_in(length), writes ? fd : -1,
                                offset,   file.st_dev, file.st_ino};
    mappings = mapping;
    return start;
}

/* The place in the list that has the mapping of an address; null when there is none. */
static struct mapping **find_mapping(const void *address)
{
    for (struct mapping **at = &mappings; *at != 0; at = &(*at)->next) {
        const struct mapping *each = *at;
        if ((const char *)address >= each->start &&
            (const char *)address < each->start + pages_in(each->length) * PAGESIZE)
            return at;
    }
    return 0;
}

/* Memory is given back when all pages of a mapping are unmapped, each once. */
PROVIDED int munmap(void *address, size_t length)
{
    if (length == 0 || (uintptr_t)address % PAGESIZE != 0)
        return fail_with(EINVAL);
    struct mapping **at = find_mapping(address);
    if (at == 0)
        return 0;
    struct mapping *mapping = *at;
    int result = write_back(mapping);
    size_t pages = pages_in(length);
    mapping->pages -= pages < mapping->pages ? pages : mapping->pages;
    if (mapping->pages > 0)
        return result;
    *at = mapping->next;
    free(mapping->start);
    free(mapping);
    return result;
}

PROVIDED int msync(void *address, size_t length, int flags)
{
    (void)length, (void)flags;
    struct mapping **at = find_mapping(address);
    return at == 0 ? fail_with(ENOMEM) : write_back(*at);
}

/* WebAssembly's memory can always be read and written. */
PROVIDED int mprotect(void *address, size_t length, int protection)
{
    (void)address, (void)length, (void)protection;
    return 0;
}

PROVIDED int madvise(void *address, size_t length, int advice)
{
    (void)address, (void)length, (void)advice;
    return 0;
}

PROVIDED int posix_madvise(void *address, size_t length, int advice)
{
    (void)address, (void)length, (void)advice;
    return 0;
}

PROVIDED int mlock(const void *address, size_t length)
{
    (void)address, (void)length;
    return 0;
}

PROVIDED int munlock(const void *address, size_t length)
{
    (void)address, (void)length;
    return 0;
}

/* All memory of a program is always there. */
PROVIDED int mlockall(int flags)
{
    (void)flags;
    return 0;
}

PROVIDED int munlockall(void) { return 0; }
