/* files.c -- prints line by line whether files behave as POSIX promises. It uses relative paths, so the oracle is the
 * same program run natively in an empty directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[1000];

static const char *error_name(int code) {
  switch (code) {
    case 0: return "";
    case EBADF: return "EBADF";
    case EEXIST: return "EEXIST";
    case EFAULT: return "EFAULT";
    case EINVAL: return "EINVAL";
    case EISDIR: return "EISDIR";
    case ENOENT: return "ENOENT";
    case ENOTDIR: return "ENOTDIR";
    case ENOTEMPTY: return "ENOTEMPTY";
    case ESPIPE: return "ESPIPE";
    default: return "other";
  }
}

#define CHECK(what, call)                                        \
  do {                                                           \
    errno = 0;                                                   \
    long result = (long)(call);                                  \
    printf("%-34s %ld %s\n", what, result, result < 0 ? error_name(errno) : ""); \
  } while (0)

static const char *contents(const char *name) {
  memset(buffer, 0, sizeof buffer);
  FILE *file = fopen(name, "r");
  if (!file) return "(none)";
  if (fread(buffer, 1, sizeof buffer - 1, file) == 0) buffer[0] = 0;
  fclose(file);
  return buffer;
}

static long size_of(int fd) {
  struct stat status;
  return fstat(fd, &status) ? -1 : (long)status.st_size;
}

static void overwriting(void) {
  FILE *file = fopen("r", "w+");
  fputs("0123456789", file);
  fseek(file, 3, SEEK_SET);
  fputs("X", file);
  rewind(file);
  printf("overwrite: %s\n", fgets(buffer, 99, file));
  fclose(file);
  file = fopen("r", "a+");
  fputs("END", file);
  fseek(file, 0, SEEK_SET);
  char *line = fgets(buffer, 99, file);
  printf("append: %s\n", line ? line : "(none)");
  fclose(file);
  file = fopen("r", "r+");
  fseek(file, 6, SEEK_SET);
  fputs("W", file);
  fclose(file);
  printf("update: %s\n", contents("r"));
}

static void positions(void) {
  int fd = open("p", O_CREAT | O_RDWR, 0666);
  for (int i = 0; i < 10; i++) CHECK("write", write(fd, "0123456789", 10));
  CHECK("back 5", lseek(fd, -5, SEEK_CUR));
  CHECK("back too far", lseek(fd, -200, SEEK_CUR));
  CHECK("from the end", lseek(fd, -3, SEEK_END));
  CHECK("read", read(fd, buffer, 10));
  CHECK("at", lseek(fd, 0, SEEK_CUR));
  CHECK("pread", pread(fd, buffer, 10, 0));
  CHECK("pwrite", pwrite(fd, "A", 1, 0));
  CHECK("still at", lseek(fd, 0, SEEK_CUR));
  CHECK("read at the end", read(fd, buffer, 10));
  CHECK("pread beyond the end", pread(fd, buffer, 10, 1000));
  CHECK("before the start", lseek(fd, -1, SEEK_SET));
  close(fd);
}

static void holes(void) {
  int fd = open("s", O_CREAT | O_RDWR, 0666);
  lseek(fd, 10, SEEK_SET);
  CHECK("write beyond the end", write(fd, "z", 1));
  CHECK("size", size_of(fd));
  CHECK("pwrite beyond the end", pwrite(fd, "zz", 2, 4096));
  CHECK("size", size_of(fd));
  memset(buffer, 1, 20);
  CHECK("pread", pread(fd, buffer, 11, 0));
  printf("hole: %d %d %c\n", buffer[0], buffer[9], buffer[10]);
  CHECK("grow", ftruncate(fd, 8192));
  CHECK("size", size_of(fd));
  CHECK("shrink", ftruncate(fd, 3));
  CHECK("size", size_of(fd));
  CHECK("grow again", ftruncate(fd, 20));
  CHECK("pread", pread(fd, buffer, 20, 0));
  printf("zeros: %d %d\n", buffer[3], buffer[10]);
  close(fd);
  fd = open("s", O_RDWR | O_TRUNC);
  CHECK("size after O_TRUNC", size_of(fd));
  close(fd);
}

static void sharing(void) {
  int one = open("b", O_CREAT | O_RDWR, 0666);
  int two = open("b", O_RDWR);
  CHECK("write one", write(one, "hello", 5));
  CHECK("read two", read(two, buffer, 9));
  CHECK("unlink", unlink("b"));
  CHECK("write unlinked", write(one, "!", 1));
  CHECK("read unlinked", read(two, buffer, 9));
  CHECK("size", size_of(one));
  CHECK("open again", open("b", O_RDONLY));
  close(one);
  close(two);
}

static void vectors(void) {
  struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
  int fd = open("v", O_CREAT | O_RDWR, 0666);
  CHECK("writev", writev(fd, out, 3));
  lseek(fd, 0, SEEK_SET);
  char a[1], b[9];
  struct iovec in[2] = {{a, 1}, {b, 9}};
  CHECK("readv", readv(fd, in, 2));
  printf("vectors: %c %.4s\n", a[0], b);
  close(fd);
}

static void appending(void) {
  int fd = open("a", O_CREAT | O_RDWR | O_APPEND, 0666);
  CHECK("write", write(fd, "abc", 3));
  lseek(fd, 0, SEEK_SET);
  CHECK("append", write(fd, "de", 2));
  CHECK("seek", lseek(fd, 1, SEEK_SET));
  memset(buffer, 0, 9);
  CHECK("read", read(fd, buffer, 3));
  printf("append: %s\n", buffer);
  close(fd);
}

static void access_modes(void) {
  int fd = open("v", O_RDONLY);
  CHECK("write to read-only", write(fd, "x", 1));
  close(fd);
  fd = open("v", O_WRONLY);
  CHECK("read from write-only", read(fd, buffer, 1));
  close(fd);
  CHECK("closed write", write(fd, "x", 1));
  CHECK("closed close", close(fd));
  CHECK("exclusive", open("v", O_CREAT | O_EXCL | O_RDWR, 0666));
  CHECK("missing", open("none", O_RDONLY));
  CHECK("directory for writing", open("d0", O_RDWR));
  CHECK("file as directory", open("v", O_RDONLY | O_DIRECTORY));
  CHECK("below a file", open("v/x", O_RDONLY));
  CHECK("slash after a file", open("v/", O_RDONLY));
  CHECK("below nothing", open("q/x", O_CREAT | O_RDWR, 0666));
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *name) {
  DIR *directory = opendir(name);
  if (!directory) {
    printf("list %s: %s\n", name, error_name(errno));
    return;
  }
  char *names[400];
  int count = 0;
  struct dirent *entry;
  while ((entry = readdir(directory))) names[count++] = strdup(entry->d_name);
  closedir(directory);
  qsort(names, count, sizeof *names, by_name);
  printf("list %s: %d", name, count);
  for (int i = 0; i < count; i++) {
    if (i < 8) printf(" %s", names[i]);
    free(names[i]);
  }
  printf("\n");
}

static void directories(void) {
  CHECK("mkdir", mkdir("d", 0777));
  CHECK("mkdir again", mkdir("d", 0777));
  CHECK("mkdir below nothing", mkdir("q/r", 0777));
  for (int i = 0; i < 300; i++) {
    char name[100];
    snprintf(name, sizeof name, "d/a-rather-long-file-name-number-%d", i);
    close(open(name, O_CREAT | O_RDWR, 0666));
  }
  list("d");
  CHECK("rmdir of a full one", rmdir("d"));
  for (int i = 0; i < 300; i++) {
    char name[100];
    snprintf(name, sizeof name, "d/a-rather-long-file-name-number-%d", i);
    unlink(name);
  }
  list("d");
  CHECK("rmdir", rmdir("d"));
  CHECK("rmdir of a file", rmdir("v"));
  CHECK("unlink of nothing", unlink("none"));
  list("d");
}

static void renaming(void) {
  struct stat status;
  mkdir("x", 0777);
  close(open("x/f", O_CREAT | O_RDWR, 0666));
  FILE *file = fopen("x/f", "w");
  fputs("q", file);
  fclose(file);
  CHECK("rename directory", rename("x", "y"));
  printf("moved: %s\n", contents("y/f"));
  CHECK("old name", stat("x", &status));
  mkdir("z", 0777);
  CHECK("rename across", rename("y/f", "z/g"));
  printf("moved: %s\n", contents("z/g"));
  CHECK("rename of nothing", rename("none", "none2"));
  file = fopen("w", "w");
  fputs("over", file);
  fclose(file);
  CHECK("rename over a file", rename("w", "z/g"));
  printf("over: %s\n", contents("z/g"));
  CHECK("directory into itself", rename("z", "z/inner"));
  CHECK("directory over a full one", rename("y", "z"));
  CHECK("file over a directory", rename("z/g", "y"));
  CHECK("link", link("z/g", "z/h"));
  CHECK("stat", stat("z/h", &status));
  printf("links: %d\n", (int)status.st_nlink);
}

static void tables(void) {
  FILE *file = fopen("n", "w+");
  for (int i = 0; i < 1000; i++) fprintf(file, "%d\n", i);
  rewind(file);
  int sum = 0, value;
  while (fscanf(file, "%d", &value) == 1) sum += value;
  printf("sum: %d\n", sum);
  fclose(file);
  CHECK("truncate", truncate("n", 5));
  printf("truncated: %zu\n", strlen(contents("n")));
}

/* Files that do not exist, or that are of another kind. */
static void mistakes(void) {
  FILE *file = fopen("q", "w");
  fputs("12345", file);
  fclose(file);
  CHECK("up from nothing", open("missing/../q", O_RDONLY));
  CHECK("up from a file", open("q/../q", O_RDONLY));
  int fd = open("q", O_RDONLY);
  int allocated = posix_fallocate(fd, 0, 100); /* sets no errno */
  printf("fallocate of one that is read: %s, size %ld\n", error_name(allocated), size_of(fd));
  close(fd);
  fd = open("q", O_RDWR);
  CHECK("write from nowhere", write(fd, (void *)(uintptr_t)0xfffffff0u, 100));
  CHECK("read to nowhere", read(fd, (void *)(uintptr_t)0xfffffff0u, 5));
  printf("size %ld\n", size_of(fd));
  close(fd);
  struct pollfd closed = {.fd = fd, .events = POLLOUT};
  CHECK("poll of a closed file", poll(&closed, 1, 0));
  printf("invalid: %d\n", !!(closed.revents & POLLNVAL));
}

int main(void) {
  mkdir("d0", 0777);
  overwriting();
  positions();
  holes();
  sharing();
  vectors();
  appending();
  access_modes();
  directories();
  renaming();
  tables();
  mistakes();
  list(".");
  return 0;
}
