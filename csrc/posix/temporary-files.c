/* Temporary files and directories, with random names from the host. */

#include "provided.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_ATTEMPTS 100
#define MARK 6 /* length of XXXXXX */

static void fill_random(char *at)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    unsigned char random[MARK];
    getentropy(random, sizeof random);
    for (int i = 0; i < MARK; i++)
        at[i] = letters[random[i] & 63];
}

/* What a template's name is tried with: makes the file or directory, and returns -1 with EEXIST if there is one. */
typedef int make_file(const char *path, int flags);

static int make_open(const char *path, int flags) { return open(path, flags | O_RDWR | O_CREAT | O_EXCL, 0600); }

static int make_directory(const char *path, int flags)
{
    (void)flags;
    return mkdir(path, 0700);
}

/* For names that are only asked for. */
static int make_nothing(const char *path, int flags)
{
    (void)flags;
    if (access(path, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return errno == ENOENT ? 0 : -1;
}

static int from_template(char *template, int suffix, int flags, make_file *make)
{
    size_t length = strlen(template);
    if (suffix < 0 || length < MARK + (size_t)suffix ||
        memcmp(template + length - MARK - suffix, "XXXXXX", MARK) != 0) {
        errno = EINVAL;
        return -1;
    }
    char *mark = template + length - MARK - suffix;
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        fill_random(mark);
        int result = make(template, flags);
        if (result >= 0 || errno != EEXIST)
            return result;
    }
    memcpy(mark, "XXXXXX", MARK);
    return -1;
}

PROVIDED int mkostemps(char *template, int suffix, int flags)
{
    return from_template(template, suffix, flags & ~O_ACCMODE, make_open);
}

PROVIDED int mkostemp(char *template, int flags) { return mkostemps(template, 0, flags); }
PROVIDED int mkstemps(char *template, int suffix) { return mkostemps(template, suffix, 0); }
PROVIDED int mkstemp(char *template) { return mkostemps(template, 0, 0); }

PROVIDED char *mkdtemp(char *template)
{
    return from_template(template, 0, 0, make_directory) < 0 ? 0 : template;
}

PROVIDED char *mktemp(char *template)
{
    if (from_template(template, 0, 0, make_nothing) < 0)
        *template = 0;
    return template;
}

/* Joins a directory and the start of a name into `path`. False if that is too long. */
static int join(char *path, size_t size, const char *directory, const char *prefix)
{
    size_t first = strlen(directory), second = strlen(prefix);
    if (first + second + MARK + 2 > size)
        return 0;
    memcpy(path, directory, first);
    path[first] = '/';
    memcpy(path + first + 1, prefix, second);
    memcpy(path + first + 1 + second, "XXXXXX", MARK + 1);
    return 1;
}

/* Where this system has temporary files: /tmp, unless there is none. */
static const char *temporary_directory(void)
{
    const char *named = getenv("TMPDIR");
    return access(P_tmpdir, F_OK) == 0 || named == 0 ? P_tmpdir : named;
}

PROVIDED char *tmpnam(char *result)
{
    static char own[L_tmpnam];
    char path[L_tmpnam];
    if (!join(path, sizeof path, P_tmpdir, "tmp_") || from_template(path, 0, 0, make_nothing) < 0)
        return 0;
    return strcpy(result == 0 ? own : result, path);
}

PROVIDED char *tempnam(const char *directory, const char *prefix)
{
    char path[1024], start[6] = "temp_";
    const char *named = getenv("TMPDIR");
    if (prefix != 0)
        strncpy(start, prefix, 5);
    const char *places[] = {named, directory, P_tmpdir};
    for (int i = 0; i < 3; i++) {
        if (places[i] == 0 || access(places[i], W_OK) < 0 || !join(path, sizeof path, places[i], start))
            continue;
        return from_template(path, 0, 0, make_nothing) < 0 ? 0 : strdup(path);
    }
    return 0;
}

PROVIDED FILE *tmpfile(void)
{
    char path[1024];
    if (!join(path, sizeof path, temporary_directory(), "tmpfile_"))
        return absent_pointer();
    int fd = mkstemp(path);
    if (fd < 0)
        return 0;
    unlink(path);
    FILE *file = fdopen(fd, "w+");
    if (file == 0)
        close(fd);
    return file;
}
