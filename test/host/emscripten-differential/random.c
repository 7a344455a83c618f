// Generators repeat their numbers; sources of randomness do not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <fcntl.h>

int main(void) {
  srand(7);
  const int first = rand(), second = rand();
  printf("rand %d %d\n", first, second);
  srandom(7);
  const long third = random();
  printf("random %ld\n", third);
  srand48(7);
  printf("drand48 %.12f\n", drand48());
  unsigned char some[64] = {0}, others[64] = {0}, none[64] = {0};
  printf("getentropy %d\n", getentropy(some, sizeof some));
  printf("fresh %d\n", memcmp(some, none, 64) != 0);
  const int fd = open("/dev/urandom", O_RDONLY);
  printf("urandom %d\n", (int)read(fd, others, sizeof others));
  printf("other %d\n", memcmp(some, others, 64) != 0);
  return 0;
}
