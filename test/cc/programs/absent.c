// What WASI has nothing for: it links, and fails with ENOSYS.
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define FAILS(call) (errno = 0, (call) && errno == ENOSYS ? 0 : (failed = 1, puts(#call)))

int main(int argc, char **argv) {
  int failed = 0;
  struct addrinfo *found;
  struct itimerval timer = {0};
  struct rlimit limit = {0};
  FAILS(fork() == -1);
  FAILS(vfork() == -1);
  FAILS(execv("/bin/true", argv) == -1);
  FAILS(execl("/bin/true", "true", (char *)0) == -1);
  FAILS(execlp("true", "true", (char *)0) == -1);
  FAILS(execvp("true", argv) == -1);
  FAILS(system("true") == -1);
  FAILS(popen("true", "r") == NULL);
  FAILS(socket(AF_INET, SOCK_STREAM, 0) == -1);
  FAILS(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}) == -1);
  FAILS(getaddrinfo("localhost", 0, 0, &found) == EAI_SYSTEM);
  FAILS(gethostbyname("localhost") == NULL);
  FAILS(dup(1) == -1);
  FAILS(dup2(1, 2) == -1);
  FAILS(mkfifo("fifo", 0600) == -1);
  FAILS(setsid() == -1);
  FAILS(kill(1, SIGTERM) == -1);
  FAILS(pause() == -1);
  FAILS(setitimer(ITIMER_REAL, &timer, 0) == -1);
  FAILS(setrlimit(RLIMIT_CORE, &limit) == -1);
  errno = posix_spawn(0, "/bin/true", 0, 0, argv, 0);
  FAILS(posix_spawn(0, "/bin/true", 0, 0, argv, 0) == (errno = ENOSYS));
  if (system(NULL) != 0)
    failed = 1;
  return argc > 9 ? 9 : failed;
}
