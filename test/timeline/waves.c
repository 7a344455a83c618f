// A heap that grows and shrinks in waves, and what remains of each.
#include <stdlib.h>
#include <string.h>

#define MANY 4096
static char *blocks[MANY];
static char *kept;
static size_t kept_size;

void fill(int count, int size) {
  for (int i = 0; i < count; i++) blocks[i] = malloc(size);
}

void drain(int count) {
  for (int i = 0; i < count; i++) free(blocks[i]);
}

// One block that grows in place or moves.
void append(int bytes) {
  kept = realloc(kept, kept_size + bytes);
  memset(kept + kept_size, 1, bytes);
  kept_size += bytes;
}

void churn(int rounds) {
  for (int i = 0; i < rounds; i++) free(malloc(24));
}

int main(void) {
  for (int wave = 1; wave <= 4; wave++) {
    fill(1000, 100 * wave);
    drain(1000);
    append(10000);
  }
  return 0;
}
