// Facts that the system reports about itself, and its texts for errors.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <sys/resource.h>
#include <pwd.h>

int main(void) {
  struct utsname name;
  printf("uname %d %s %s\n", uname(&name), name.sysname, name.machine);
  char host[80] = "";
  printf("host %d %s\n", gethostname(host, sizeof host), host);
  printf("page %ld\n", sysconf(_SC_PAGESIZE));
  printf("user %d %d\n", (int)getuid(), (int)geteuid());
  printf("%s, %s, %s\n", strerror(ENOENT), strerror(EAGAIN), strerror(9999));
  struct rusage usage;
  printf("usage %d\n", getrusage(RUSAGE_SELF, &usage));
  printf("pipe %d\n", pipe((int[2]){0}));
  return 0;
}
