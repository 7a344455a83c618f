/* A whole matrix is dropped: the table of rows is lost, and the rows with it. */
#include "leaks.h"

static NOINLINE double **make_matrix(int rows, int columns) {
  double **matrix = malloc((size_t)rows * sizeof *matrix); /* expect: definite 1 block 12|24 bytes with 96 */
  for (int i = 0; i < rows; i++) matrix[i] = calloc((size_t)columns, sizeof **matrix); /* expect: indirect 3 blocks 96 bytes */
  return matrix;
}

#ifdef FIXED
static NOINLINE void free_matrix(double **matrix, int rows) {
  for (int i = 0; i < rows; i++) free(matrix[i]);
  free(matrix);
}

#endif
static NOINLINE void run(void) {
  double **matrix = make_matrix(3, 4);
  matrix[2][3] = 1.0;
#ifdef FIXED
  free_matrix(matrix, 3);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
