/* Keys of thread-specific data in a program with one thread. */
#include <pthread.h>
#include <stdio.h>

int main(void) {
  pthread_key_t keys[20];
  for (int i = 0; i < 20; i++) {
    if (pthread_key_create(&keys[i], NULL) != 0) return 1;
    pthread_setspecific(keys[i], "value");
  }
  puts((char *)pthread_getspecific(keys[7]));
  return 0;
}
