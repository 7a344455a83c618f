// What WASI has nothing for: it links, and fails with ENOSYS.
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netdb.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <wordexp.h>

#define FAILS(call) (errno = 0, (call) && errno == ENOSYS ? 0 : (failed = 1, puts(#call)))

int main(int argc, char **argv) {
  int failed = 0;
  struct addrinfo *found;
  struct itimerval timer = {0};
  struct rlimit limit = {0};
  struct sockaddr_un place = {.sun_family = AF_LOCAL, .sun_path = "/tmp/socket"};
  struct linger linger = {0};
  struct statvfs space;
  struct statfs space_of_linux;
  struct aiocb request = {0};
  timer_t timer_of_posix;
  wordexp_t words;
  const int options[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_ERROR, SO_RCVTIMEO, SO_SNDTIMEO, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF};
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
  FAILS(socket(PF_UNIX, SOCK_STREAM, 0) == -1);
  FAILS(bind(0, (struct sockaddr *)&place, sizeof place) == -1);
  FAILS(connect(0, (struct sockaddr *)&place, SUN_LEN(&place)) == -1);
  FAILS(listen(0, SOMAXCONN) == -1);
  FAILS(setsockopt(0, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == -1);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    FAILS(setsockopt(0, SOL_SOCKET, options[i], &(int){1}, sizeof(int)) == -1);
  FAILS(sendto(0, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0) == -1);
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
  FAILS(timer_create(CLOCK_MONOTONIC, 0, &timer_of_posix) == -1);
  FAILS(statvfs("/", &space) == -1);
  FAILS(statfs("/", &space_of_linux) == -1);
  FAILS(ftok("/", 1) == -1);
  FAILS(shmget(IPC_PRIVATE, 100, IPC_CREAT) == -1);
  FAILS(shmat(1, 0, 0) == (void *)-1);
  FAILS(shm_open("/name", O_RDWR, 0600) == -1);
  FAILS(semget(IPC_PRIVATE, 1, IPC_CREAT) == -1);
  FAILS(sem_open("/name", O_CREAT) == SEM_FAILED);
  FAILS(msgget(IPC_PRIVATE, IPC_CREAT) == -1);
  FAILS(mq_open("/name", O_RDWR) == (mqd_t)-1);
  FAILS(aio_read(&request) == -1);
  FAILS(sched_getscheduler(0) == -1);
  FAILS(posix_openpt(O_RDWR) == -1);
  FAILS(wordexp("$HOME", &words, 0) == WRDE_NOSYS);
  errno = posix_spawn(0, "/bin/true", 0, 0, argv, 0);
  FAILS(posix_spawn(0, "/bin/true", 0, 0, argv, 0) == (errno = ENOSYS));
  if (system(NULL) != 0)
    failed = 1;
  return argc > 9 ? 9 : failed;
}
