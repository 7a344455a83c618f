// The program sends signals to itself.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int seen;
static void handle(int signal) { seen = signal; }

int main(void) {
  printf("set %d\n", signal(SIGUSR1, handle) == SIG_DFL);
  printf("raise %d seen %d\n", raise(SIGUSR1), seen == SIGUSR1);
  signal(SIGUSR2, SIG_IGN);
  printf("ignored %d\n", raise(SIGUSR2));
  struct sigaction action = {.sa_handler = handle}, before;
  printf("sigaction %d\n", sigaction(SIGTERM, &action, &before));
  raise(SIGTERM);
  printf("seen %d\n", seen == SIGTERM);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  printf("member %d\n", sigismember(&set, SIGINT));
  printf("pid %d\n", getpid() > 0);
  return 0;
}
