/* Paths without symbolic links, walks through folders, and what WASI does not tell of file systems. */

#include "provided.h"
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <wordexp.h>

#define MOST_LINKS 40

/* A path that is made canonical: what is done already, without a slash at its end, and what is left to do. */
struct walk {
    char done[PATH_MAX];
    char left[PATH_MAX];
    size_t length;
    int links;
};

static int fail_path(int error)
{
    errno = error;
    return -1;
}

static void leave_folder(struct walk *walk)
{
    while (walk->length > 0 && walk->done[--walk->length] != '/')
        ;
    walk->done[walk->length] = 0;
}

/* Puts the target of a link before what is left, which begins with a slash or is empty. */
static int follow(struct walk *walk, const char *rest, const char *target)
{
    char left[PATH_MAX];
    size_t before = strlen(target), after = strlen(rest);
    if (++walk->links > MOST_LINKS)
        return fail_path(ELOOP);
    if (before + after + 1 > sizeof left)
        return fail_path(ENAMETOOLONG);
    memcpy(left, target, before);
    memcpy(left + before, rest, after + 1);
    memcpy(walk->left, left, before + after + 1);
    if (target[0] == '/')
        walk->done[walk->length = 0] = 0;
    else
        leave_folder(walk);
    return 0;
}

/* Goes into a folder, or to the file at the end. `rest` is what follows its name. */
static int enter(struct walk *walk, const char *name, size_t length, const char *rest)
{
    if (walk->length + length + 2 > sizeof walk->done)
        return fail_path(ENAMETOOLONG);
    walk->done[walk->length] = '/';
    memcpy(walk->done + walk->length + 1, name, length);
    walk->length += length + 1;
    walk->done[walk->length] = 0;
    char target[PATH_MAX];
    ssize_t size = readlink(walk->done, target, sizeof target - 1);
    if (size > 0) {
        target[size] = 0;
        return follow(walk, rest, target);
    }
    struct stat stat;
    if (lstat(walk->done, &stat) < 0)
        return -1;
    if (*rest != 0 && !S_ISDIR(stat.st_mode))
        return fail_path(ENOTDIR);
    memmove(walk->left, rest, strlen(rest) + 1);
    return 0;
}

static int step(struct walk *walk)
{
    const char *name = walk->left + strspn(walk->left, "/");
    size_t length = strcspn(name, "/");
    const char *rest = name + length;
    if (length > 0 && !(length == 1 && name[0] == '.') && !(length == 2 && name[0] == '.' && name[1] == '.'))
        return enter(walk, name, length, rest);
    if (length == 2)
        leave_folder(walk);
    memmove(walk->left, rest, strlen(rest) + 1);
    return 0;
}

PROVIDED char *realpath(const char *restrict path, char *restrict resolved)
{
    struct walk walk = {.length = 0, .links = 0};
    if (path == 0 || *path == 0) {
        errno = path == 0 ? EINVAL : ENOENT;
        return 0;
    }
    if (strlen(path) >= sizeof walk.left) {
        errno = ENAMETOOLONG;
        return 0;
    }
    strcpy(walk.left, path);
    if (path[0] != '/') {
        if (getcwd(walk.done, sizeof walk.done) == 0)
            return 0;
        walk.length = strlen(walk.done);
        if (walk.length == 1)
            walk.done[walk.length = 0] = 0;
    }
    while (walk.left[0] != 0)
        if (step(&walk) < 0)
            return 0;
    const char *found = walk.length == 0 ? "/" : walk.done;
    return resolved == 0 ? strdup(found) : strcpy(resolved, found);
}

/* nftw() has another function, which calls the one that ftw() was given. A walk may happen inside of another one. */
static int (*visit)(const char *, const struct stat *, int);

static int visit_older(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)place;
    return visit(path, stat, kind == FTW_SLN ? FTW_NS : kind);
}

PROVIDED int ftw(const char *path, int (*function)(const char *, const struct stat *, int), int descriptors)
{
    int (*outer)(const char *, const struct stat *, int) = visit;
    visit = function;
    int result = nftw(path, visit_older, descriptors, 0);
    visit = outer;
    return result;
}

PROVIDED int statvfs(const char *restrict path, struct statvfs *restrict result)
{
    (void)path, (void)result;
    return absent();
}

PROVIDED int fstatvfs(int fd, struct statvfs *result)
{
    (void)fd, (void)result;
    return absent();
}

PROVIDED int statfs(const char *path, struct statfs *result)
{
    (void)path, (void)result;
    return absent();
}

PROVIDED int fstatfs(int fd, struct statfs *result)
{
    (void)fd, (void)result;
    return absent();
}

PROVIDED int wordexp(const char *restrict words, wordexp_t *restrict result, int flags)
{
    (void)words, (void)result, (void)flags;
    errno = ENOSYS;
    return WRDE_NOSYS;
}

PROVIDED void wordfree(wordexp_t *words) { (void)words; }

/* getentropy() gives at most 256 bytes at once. */
PROVIDED ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t at = 0; at < size; at += 256)
        if (getentropy((char *)bytes + at, size - at < 256 ? size - at : 256) < 0)
            return -1;
    return (ssize_t)size;
}
