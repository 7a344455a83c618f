// Files and directories are written, read, moved, listed and removed.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
  printf("mkdir %d\n", mkdir("/tmp/some", 0700));
  printf("again %d %d\n", mkdir("/tmp/some", 0700), errno == EEXIST);
  FILE *file = fopen("/tmp/some/file", "w+");
  fprintf(file, "one\ntwo\nthree\n");
  fseek(file, 4, SEEK_SET);
  char line[20];
  printf("line %s", fgets(line, sizeof line, file));
  printf("at %ld\n", ftell(file));
  fclose(file);
  file = fopen("/tmp/some/file", "a");
  fputs("four\n", file);
  fclose(file);
  struct stat status;
  printf("stat %d %d %d\n", stat("/tmp/some/file", &status), (int)status.st_size, S_ISREG(status.st_mode));
  printf("rename %d\n", rename("/tmp/some/file", "/tmp/some/other"));
  printf("gone %d\n", access("/tmp/some/file", F_OK));
  printf("link %d\n", symlink("other", "/tmp/some/link"));
  printf("target %d\n", (int)readlink("/tmp/some/link", line, sizeof line));
  DIR *directory = opendir("/tmp/some");
  int entries = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) entries += entry->d_name[0] != '.';
  closedir(directory);
  printf("entries %d\n", entries);
  const int fd = open("/tmp/some/link", O_RDWR);
  printf("truncate %d\n", ftruncate(fd, 3));
  printf("read %d\n", (int)read(fd, line, sizeof line));
  printf("end %d\n", (int)read(fd, line, sizeof line));
  printf("seek %d\n", (int)lseek(fd, 0, SEEK_END));
  close(fd);
  printf("close twice %d %d\n", close(fd), errno == EBADF);
  printf("missing %d %d\n", open("/no/such", O_RDONLY), errno == ENOENT);
  printf("directory %d %d\n", open("/tmp", O_WRONLY), errno == EISDIR);
  printf("rmdir %d %d\n", rmdir("/tmp/some"), errno == ENOTEMPTY);
  printf("unlink %d %d\n", unlink("/tmp/some/link"), unlink("/tmp/some/other"));
  printf("rmdir %d\n", rmdir("/tmp/some"));
  file = tmpfile();
  printf("tmpfile %d\n", file != NULL);
  char name[] = "/tmp/nameXXXXXX";
  printf("mkstemp %d\n", mkstemp(name) >= 0);
  chdir("/tmp");
  printf("cwd %s\n", getcwd(line, sizeof line));
  perror("perror");
  return 0;
}
