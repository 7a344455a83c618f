// File calls beyond those of file-calls.c, in the directory argv[1]: descriptors that share a file, mapped memory,
// permissions. The same program is compiled for this machine and for Emscripten.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char text[64] = {0};
  struct stat s;
  if (chdir(argv[1]) != 0) return 1;
  int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0640);
  printf("exclusive %d %d\n", fd >= 0, open("file", O_RDWR | O_CREAT | O_EXCL, 0640) < 0 && errno == EEXIST);
  printf("write %d\n", (int)write(fd, "abcdefgh", 8));
  int copy = dup(fd);
  close(fd);
  lseek(copy, 2, SEEK_SET);
  printf("after closing the first %d %s\n", (int)read(copy, text, 3), text);
  char *map = mmap(0, 8, PROT_READ, MAP_PRIVATE, copy, 0);
  printf("mapped %.8s\n", map);
  munmap(map, 8);
  map = mmap(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
  memcpy(map + 2, "XY", 2);
  printf("synchronised %d\n", msync(map, 8, MS_SYNC));
  munmap(map, 8);
  pread(copy, text, 8, 0);
  printf("shared %.8s\n", text);
  ftruncate(copy, 3);
  fstat(copy, &s);
  printf("size %d permissions %o\n", (int)s.st_size, (unsigned)s.st_mode & 0777);
  chmod("file", 0400);
  stat("file", &s);
  printf("permissions %o\n", (unsigned)s.st_mode & 0777);
  FILE *f = fopen("log", "a");
  fputs("one\n", f);
  fclose(f);
  f = fopen("log", "a+");
  fputs("two\n", f);
  rewind(f);
  printf("log %s", fgets(text, sizeof text, f));
  printf("%s", fgets(text, sizeof text, f));
  fclose(f);
  close(copy);
  printf("closed %d\n", (int)read(copy, text, 1));
  return 0;
}
