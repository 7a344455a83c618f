/* At -O2 these loops are unrolled: each has several call sites with the same stack. */
#include <stdlib.h>

static char *cells[4];

void fill(void) {
  for (int i = 0; i < 2; i++) cells[i] = malloc(32 + i);
}

void lose(void) {
  for (int i = 0; i < 2; i++) cells[i] = malloc(32 + i);
  cells[0] = cells[1] = 0;
}

void loose_ends(void) {
  for (int i = 0; i < 2; i++) cells[2 + i] = (char *)malloc(16) + 4;
}

static int turn;
/* Holds one block. The two call sites make it in turn. */
void swap(void) {
  for (int i = 0; i < 2; i++) {
    if (turn != i) continue;
    free(cells[0]);
    cells[0] = malloc(100);
  }
  turn = !turn;
}
