/* What a program that `heapline cc` has linked needs beside wasi-libc: it starts in the working directory of its
 * process, and has tmpfile, which WASI leaves out. Only such programs link this file, because sandboxes of the library
 * have no working directory. */

typedef struct _IO_FILE FILE;

extern char *getenv(const char *name);
extern int chdir(const char *path);
extern int open(const char *path, int flags, ...);
extern int close(int fd);
extern int unlink(const char *path);
extern FILE *fdopen(int fd, const char *mode);

/* Open flags of wasi-libc: read and write, create, and fail when the file exists. */
#define NEW_FILE ((0x04000000 | 0x10000000) | (1 << 12) | (4 << 12))

/* The host sets PWD to the working directory. 101 is the first priority that programs may use. */
__attribute__((constructor(101))) static void start_in_working_directory(void)
{
    const char *directory = getenv("PWD");
    if (directory != 0)
        chdir(directory);
}

/* A program may bring its own. */
__attribute__((weak)) FILE *tmpfile(void)
{
    static unsigned serial;
    static const char letters[] = "abcdefghijklmnop";
    unsigned seed = (unsigned)(__UINTPTR_TYPE__)&seed;
    for (int attempt = 0; attempt < 1000; attempt++) {
        char path[] = "/tmp/heapline-tmpfile-aaaaaaaa";
        unsigned bits = (seed ^ serial++ * 2654435761u) + (unsigned)attempt * 40503u;
        for (int i = 0; i < 8; i++)
            path[sizeof path - 2 - i] = letters[bits >> (4 * i) & 15];
        int fd = open(path, NEW_FILE, 0600);
        if (fd < 0)
            continue;
        unlink(path);
        FILE *file = fdopen(fd, "w+");
        if (file == 0)
            close(fd);
        return file;
    }
    return 0;
}
