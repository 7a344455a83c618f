// Memory maps: anonymous ones and maps of a file.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  char *memory = mmap(NULL, 70000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("anonymous %d %d\n", memory != MAP_FAILED, memory[69999]);
  strcpy(memory, "kept");
  printf("unmapped %d\n", munmap(memory, 70000));
  const int fd = open("/tmp/mapped", O_RDWR | O_CREAT, 0600);
  write(fd, "from a file", 11);
  char *mapped = mmap(NULL, 11, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  printf("mapped %.11s\n", mapped);
  memcpy(mapped, "FROM", 4);
  printf("written back %d\n", msync(mapped, 11, MS_SYNC));
  munmap(mapped, 11);
  char text[12] = "";
  lseek(fd, 0, SEEK_SET);
  read(fd, text, 11);
  printf("file %s\n", text);
  return 0;
}
