// Prints what kind of file each standard stream claims to be.
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

int main(void) {
  for (int fd = 1; fd <= 3; fd++) {
    struct stat status;
    printf("%d isatty %d", fd, isatty(fd));
    if (fstat(fd, &status) == 0) printf(" device %d", S_ISCHR(status.st_mode));
    puts("");
  }
  struct termios settings;
  printf("tcgetattr %d\n", tcgetattr(1, &settings));
  struct winsize size;
  printf("size %d\n", ioctl(1, TIOCGWINSZ, &size));
  return 0;
}
