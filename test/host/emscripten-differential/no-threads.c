// Threads cannot be started, but everything that a single thread needs works.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void initialise(void) { puts("once"); }
static void *run(void *unused) { return NULL; }

int main(void) {
  pthread_t thread;
  printf("create %s\n", strerror(pthread_create(&thread, NULL, run, NULL)));
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  printf("lock %d %d\n", pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex));
  pthread_once(&once, initialise);
  pthread_once(&once, initialise);
  printf("key %d\n", pthread_key_create(&key, NULL));
  pthread_setspecific(key, "value");
  printf("specific %s\n", (char *)pthread_getspecific(key));
  printf("self %d\n", pthread_equal(pthread_self(), pthread_self()) != 0);
  return 0;
}
