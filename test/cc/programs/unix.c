// What test suites use of Unix inside of one process. The output is the same natively.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <netdb.h>
#include <paths.h>
#include <pwd.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile sig_atomic_t seen;
static void count(int number) { seen += number; }
static void inform(int number, siginfo_t *info, void *context) {
  (void)context;
  seen += number == SIGUSR2 && info->si_signo == number && info->si_pid == getpid();
}
static void leap(int number) { siglongjmp(back, number); }

static void temporary_files(void) {
  char text[16] = "", file[] = "/tmp/heapline-XXXXXX", suffixed[] = "/tmp/heapline-XXXXXX.c";
  char directory[] = "/tmp/heapline-XXXXXX", bad[] = "/tmp/XXXXX", name[L_tmpnam];
  FILE *temporary = tmpfile();
  fputs("kept", temporary);
  rewind(temporary);
  printf("%s\n", fgets(text, sizeof text, temporary));
  fclose(temporary);
  int fd = mkstemp(file);
  printf("mkstemp %d %d\n", fd >= 0, strcmp(file, "/tmp/heapline-XXXXXX") != 0);
  printf("write %d, seek %d\n", (int)write(fd, "abc", 3), (int)lseek(fd, 0, SEEK_SET));
  printf("close %d, unlink %d\n", close(fd), unlink(file));
  fd = mkstemps(suffixed, 2);
  printf("mkstemps %d %s\n", fd >= 0, suffixed + strlen(suffixed) - 2);
  close(fd), unlink(suffixed);
  printf("mkdtemp %d\n", mkdtemp(directory) == directory);
  printf("rmdir %d\n", rmdir(directory));
  fd = mkstemp(bad);
  printf("bad template %d %d\n", fd, errno == EINVAL);
  printf("tmpnam %d\n", tmpnam(name) == name && access(name, F_OK) < 0);
  char *made = tempnam(0, "hl");
  printf("tempnam %d\n", made != 0 && strstr(made, "/hl") != 0);
  free(made);
}

static void signals(void) {
  printf("signal %d\n", signal(SIGUSR1, count) == SIG_DFL);
  printf("raise %d", raise(SIGUSR1));
  printf(" %d\n", seen == SIGUSR1);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESETHAND}, old;
  action.sa_sigaction = inform;
  printf("sigaction %d\n", sigaction(SIGUSR2, &action, 0));
  seen = 0;
  printf("kill %d", kill(getpid(), SIGUSR2));
  printf(" %d\n", (int)seen);
  sigaction(SIGUSR2, 0, &old);
  printf("reset %d\n", old.sa_handler == SIG_DFL);
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  seen = 0;
  raise(SIGUSR1);
  sigpending(&pending);
  printf("blocked %d %d\n", (int)seen, sigismember(&pending, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &set, 0);
  printf("unblocked %d\n", seen == SIGUSR1);
  signal(SIGABRT, leap);
  for (int i = 0; i < 2; i++) {
    if (sigsetjmp(back, 1) == 0)
      abort();
    else
      printf("back from abort %d\n", i);
  }
  signal(SIGTERM, SIG_IGN);
  raise(SIGTERM), raise(SIGCHLD), raise(SIGURG);
  int result = raise(99);
  printf("no such signal %d %d\n", result, errno == EINVAL);
  printf("SIGKILL %d\n", signal(SIGKILL, count) == SIG_ERR);
  printf("alive %d\n", kill(getpid(), 0));
  signal(SIGTERM, SIG_DFL);
}

static void descriptors(void) {
  int ends[2];
  char text[16] = "";
  printf("pipe %d\n", pipe(ends));
  printf("write %d\n", (int)write(ends[1], "through", 7));
  close(ends[1]);
  printf("read %d", (int)read(ends[0], text, sizeof text));
  printf(" %s, then %d\n", text, (int)read(ends[0], text, sizeof text));
  close(ends[0]);
  FILE *file = tmpfile();
  struct flock lock = {.l_type = F_WRLCK};
  printf("lock %d\n", fcntl(fileno(file), F_SETLK, &lock));
  printf("flock %d\n", flock(fileno(file), LOCK_EX));
  printf("append %d", fcntl(fileno(file), F_SETFL, O_APPEND));
  printf(" %d\n", (fcntl(fileno(file), F_GETFL) & O_APPEND) != 0);
  int result = fcntl(999, F_GETFD);
  printf("bad descriptor %d %d\n", result, errno == EBADF);
  fclose(file);
}

static void mappings(void) {
  char text[16] = "";
  FILE *file = tmpfile();
  fputs("mapped once", file);
  fflush(file);
  char *shared = mmap(0, 11, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
  printf("mmap %d %.6s %d\n", shared != MAP_FAILED, shared, shared[11]);
  memcpy(shared + 7, "more", 4);
  printf("msync %d\n", msync(shared, 11, MS_SYNC));
  rewind(file);
  printf("%s\n", fgets(text, sizeof text, file));
  memcpy(shared, "MAPPED", 6);
  printf("munmap %d\n", munmap(shared, 11));
  rewind(file);
  printf("%s\n", fgets(text, sizeof text, file));
  char *kept = mmap(0, 3 * 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("anonymous %d %d\n", kept != MAP_FAILED, kept[3 * 65536 - 1]);
  printf("in parts %d", munmap(kept, 65536));
  printf(" %d\n", munmap(kept + 65536, 2 * 65536));
  char *never = mmap(0, 100, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int result = mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
  printf("nothing %d %d %d\n", result, errno == EINVAL, never != 0);
  fclose(file);
}

static int visited;
static int visit(const char *path, const struct stat *stat, int kind) {
  visited += kind == FTW_F ? (int)stat->st_size : 1000;
  return strstr(path, "stop") != NULL;
}

/* The real path of a path below a folder, without the folder. */
static void print_real(const char *folder, const char *path) {
  char found[PATH_MAX];
  char *result = realpath(path, found);
  printf("%s: %s\n", path, result != NULL ? result + strlen(folder) : errno == ELOOP ? "ELOOP" : strerror(errno));
}

static void paths(void) {
  char folder[] = "/tmp/heapline-XXXXXX", *kept;
  if (mkdtemp(folder) == NULL || chdir(folder) < 0) return;
  char *real = realpath(".", NULL);
  printf("mkdir %d", mkdir("a", 0755));
  printf(" %d\n", mkdir("a/b", 0755));
  FILE *file = fopen("a/b/file", "w");
  fputs("text", file);
  fclose(file);
  printf("symlink %d %d", symlink("a/b", "short"), symlink("../short/file", "a/long"));
  printf(" %d %d\n", symlink("loop", "loop"), symlink("/nowhere", "lost"));
  static const char *const all[] = {"a/../a/./b//file", "short/file", "a/long", "short/..", "short/", "loop", "lost",
                                    "a/b/file/", "a/b/file/..", "missing", "missing/x", ""};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) print_real(real, all[i]);
  kept = realpath("short/file", NULL);
  printf("allocated %d\n", kept != NULL && strcmp(kept + strlen(real), "/a/b/file") == 0);
  free(kept);
  printf("ftw %d", ftw("a", visit, 8));
  printf(", visited %d\n", visited);
  printf("unlink %d %d %d", unlink("a/long"), unlink("a/b/file"), unlink("short"));
  printf(" %d %d\n", unlink("loop"), unlink("lost"));
  printf("rmdir %d", rmdir("a/b"));
  printf(" %d", rmdir("a"));
  printf(" chdir %d", chdir("/"));
  printf(" rmdir %d\n", rmdir(real));
  free(real);
}

static void inform_of_value(int number, siginfo_t *info, void *context) {
  (void)context;
  printf("value %d %d\n", number == SIGUSR1 && info->si_code == SI_QUEUE, info->si_value.sival_int);
}

static void single_thread(void) {
  struct sigaction action = {.sa_sigaction = inform_of_value, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  union sigval value = {.sival_int = 42};
  printf("sigqueue %d\n", sigqueue(getpid(), SIGUSR1, value));
  siginfo_t info;
  sigset_t set;
  struct timespec soon = {0, 1000};
  sighold(SIGUSR1);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  int number = sigtimedwait(&set, &info, &soon);
  printf("sigtimedwait %d %d\n", number, errno == EAGAIN);
  value.sival_int = 43;
  sigqueue(getpid(), SIGUSR1, value);
  number = sigwaitinfo(&set, &info);
  printf("sigwaitinfo %d %d\n", number == SIGUSR1, info.si_value.sival_int);
  sigrelse(SIGUSR1);
  sem_t semaphore;
  int count;
  sem_init(&semaphore, 0, 1);
  printf("sem_wait %d\n", sem_wait(&semaphore));
  int result = sem_trywait(&semaphore);
  printf("sem_trywait %d %d\n", result, errno == EAGAIN);
  printf("sem_post %d", sem_post(&semaphore));
  result = sem_getvalue(&semaphore, &count);
  printf(" %d %d\n", result, count);
  unsigned char bytes[600] = {0};
  int zeros = 0;
  printf("getrandom %d", (int)getrandom(bytes, sizeof bytes, 0));
  for (size_t i = 0; i < sizeof bytes; i++) zeros += bytes[i] == 0;
  printf(" %d\n", zeros < 30);
  struct in_addr address = {inet_addr("192.168.1.20")};
  printf("%s %d\n", inet_ntoa(address), inet_addr("no address") == (in_addr_t)-1);
  struct timespec used;
  printf("clock_gettime %d\n", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used));
}

static void process(void) {
  struct rusage usage;
  struct timeval now;
  pid_t child = waitpid(-1, 0, 0);
  printf("no children %d %d\n", (int)child, errno == ECHILD);
  int result = getrusage(RUSAGE_SELF, &usage);
  printf("getrusage %d %d\n", result, usage.ru_maxrss > 0 && usage.ru_utime.tv_sec >= 0);
  printf("clock %d\n", clock() >= 0);
  gettimeofday(&now, 0);
  printf("time %d\n", llabs((long long)now.tv_sec - time(0)) < 5);
  printf("users %d %d\n", getuid() == geteuid(), getpwuid(getuid()) != 0);
  mode_t mask = umask(027);
  printf("umask %o %o\n", (unsigned)mask, (unsigned)umask(mask));
  printf("identity %d\n", getenv("HEAPLINE_IDENTITY") != 0);
  void *library = dlopen("/no/such/library", RTLD_NOW);
  printf("dlopen %d %d\n", library != 0, dlerror() != 0);
  struct termios settings;
  result = tcgetattr(STDOUT_FILENO, &settings);
  printf("terminal %d %d\n", result, errno == ENOTTY);
  printf("status %d %d %d\n", WIFEXITED(0x500), WEXITSTATUS(0x500), WIFSIGNALED(9));
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "who") == 0) {
    printf("%d %d %d %d\n", (int)getpid(), (int)getppid(), (int)getuid(), (int)getgid());
    return 0;
  }
  temporary_files();
  signals();
  descriptors();
  mappings();
  paths();
  single_thread();
  process();
  fflush(stdout);
  raise(SIGTERM);
  return 0;
}
