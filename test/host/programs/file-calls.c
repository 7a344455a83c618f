// Runs file calls that its standard input lists, one a line, below the directory in argv[1], and prints their results.
// The same program is compiled for this machine and for WASI.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *root;
static int fds[8] = {-1, -1, -1, -1, -1, -1, -1, -1};

static const char *error_name(void) {
  switch (errno) {
#define NAME(e) case e: return #e;
    NAME(ENOENT) NAME(EEXIST) NAME(ENOTDIR) NAME(EISDIR) NAME(ENOTEMPTY) NAME(EINVAL) NAME(EBADF) NAME(ELOOP)
    NAME(EPERM) NAME(EACCES) NAME(EROFS) NAME(EXDEV) NAME(ENAMETOOLONG) NAME(ESPIPE) NAME(EBUSY) NAME(EMFILE)
#ifdef ENOTCAPABLE
    NAME(ENOTCAPABLE)
#endif
  }
  return strerror(errno);
}

static char *at(const char *path) {
  static char texts[2][8192];
  static int turn;
  char *text = texts[turn++ & 1];
  snprintf(text, sizeof texts[0], "%s/%s", root, path);
  return text;
}

static void say(const char *what, long long result) {
  if (result < 0) printf("%s: %s\n", what, error_name());
  else printf("%s: %lld\n", what, result);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
  DIR *directory = opendir(at(path));
  if (directory == 0) { say("list", -1); return; }
  static char *names[20000];
  int count = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != 0;) names[count++] = strdup(entry->d_name);
  closedir(directory);
  qsort(names, count, sizeof *names, by_name);
  printf("list: %d", count);
  for (int i = 0; i < count; i++) { if (count < 50) printf(" %s", names[i]); free(names[i]); }
  printf("\n");
}

static void show(const char *what, int result, const struct stat *s) {
  if (result < 0) { say(what, -1); return; }
  const char *type = S_ISDIR(s->st_mode) ? "directory" : S_ISLNK(s->st_mode) ? "link" : "file";
  if (S_ISDIR(s->st_mode)) printf("%s: %s\n", what, type);
  else printf("%s: %s size %lld links %d\n", what, type, (long long)s->st_size, (int)s->st_nlink);
}

static int flags_of(const char *letters) {
  int flags = strchr(letters, '+') ? O_RDWR : strchr(letters, 'w') ? O_WRONLY : O_RDONLY;
  if (strchr(letters, 'c')) flags |= O_CREAT;
  if (strchr(letters, 'x')) flags |= O_EXCL;
  if (strchr(letters, 't')) flags |= O_TRUNC;
  if (strchr(letters, 'a')) flags |= O_APPEND;
  if (strchr(letters, 'd')) flags |= O_DIRECTORY;
  if (strchr(letters, 'n')) flags |= O_NOFOLLOW;
  return flags;
}

int main(int argc, char **argv) {
  root = argv[argc - 1];
  static char line[16384], op[32], a[8192], b[8192];
  struct stat s;
  while (fgets(line, sizeof line, stdin)) {
    a[0] = b[0] = 0;
    if (sscanf(line, "%31s %8191s %8191s", op, a, b) < 1) continue;
    int slot = a[0] & 7;
    const char *path = strcmp(a, "-") == 0 ? "" : a;
    errno = 0;
    if (!strcmp(op, "open")) {
      if (fds[slot] >= 0) close(fds[slot]);
      char letters[16];
      sscanf(line, "%*s %*s %8191s %15s", b, letters);
      fds[slot] = open(at(b), flags_of(letters), 0644);
      say("open", fds[slot] < 0 ? -1 : 0);
    } else if (!strcmp(op, "close")) { say(op, close(fds[slot])); fds[slot] = -1; }
    else if (!strcmp(op, "write")) say(op, write(fds[slot], b, strlen(b)));
    else if (!strcmp(op, "pwrite")) say(op, pwrite(fds[slot], b, strlen(b), 3));
    else if (!strcmp(op, "read") || !strcmp(op, "pread")) {
      static char data[64];
      long n = op[0] == 'r' ? read(fds[slot], data, sizeof data - 1) : pread(fds[slot], data, 5, atoi(b));
      say(op, n);
      if (n > 0) { data[n] = 0; for (long i = 0; i < n; i++) putchar(data[i] ? data[i] : '0'); putchar('\n'); }
    } else if (!strcmp(op, "seek")) say(op, lseek(fds[slot], atoll(b), SEEK_SET));
    else if (!strcmp(op, "end")) say(op, lseek(fds[slot], atoll(b), SEEK_END));
    else if (!strcmp(op, "size")) say(op, ftruncate(fds[slot], atoll(b)));
    else if (!strcmp(op, "fstat")) { int r = fstat(fds[slot], &s); show(op, r, &s); }
    else if (!strcmp(op, "sync")) say(op, fsync(fds[slot]));
    else if (!strcmp(op, "stat")) { int r = stat(at(path), &s); show(op, r, &s); }
    else if (!strcmp(op, "lstat")) { int r = lstat(at(path), &s); show(op, r, &s); }
    else if (!strcmp(op, "mkdir")) say(op, mkdir(at(path), 0755));
    else if (!strcmp(op, "rmdir")) say(op, rmdir(at(path)));
    else if (!strcmp(op, "unlink")) say(op, unlink(at(path)));
    else if (!strcmp(op, "rename")) say(op, rename(at(path), at(b)));
    else if (!strcmp(op, "link")) say(op, link(at(path), at(b)));
    else if (!strcmp(op, "symlink")) say(op, symlink(a, at(b)));
    else if (!strcmp(op, "readlink")) {
      static char target[300];
      long n = readlink(at(path), target, sizeof target - 1);
      say(op, n);
      if (n > 0) { target[n] = 0; puts(target); }
    } else if (!strcmp(op, "list")) list(path);
    else if (!strcmp(op, "utimes")) {
      struct timespec times[2] = {{1000, 500000000}, {2000, 250000000}};
      int r = utimensat(AT_FDCWD, at(path), times, 0);
      say(op, r);
      if (r == 0 && stat(at(path), &s) == 0)
        printf("%lld.%03ld\n", (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec / 1000000);
    } else if (!strcmp(op, "spin")) { // reads the file until the other side has flipped its directory often enough
      long leaked = 0, seen = 0, refused = 0;
      for (int i = atoi(b); i > 0; i--) {
        int fd = open(at(path), O_RDONLY);
        if (fd < 0) { refused++; continue; }
        char c = 0;
        if (read(fd, &c, 1) == 1 && c == 'S') leaked++; else seen++;
        close(fd);
      }
      printf("leaked %ld, saw %s\n", leaked, seen && refused ? "both" : seen ? "files" : "links");
    } else printf("unknown %s\n", op);
    fflush(stdout);
  }
  return 0;
}
