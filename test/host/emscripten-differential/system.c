// There is no shell and no other process.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  printf("shell %d\n", system(NULL));
  errno = 0;
  const int status = system("true");
  printf("system %d\n", status);
  printf("fork %d\n", fork());
  printf("execl %d\n", execl("/bin/true", "true", NULL));
  printf("wait %d\n", wait(NULL));
  printf("popen %d\n", popen("true", "r") != NULL);
  return 0;
}
