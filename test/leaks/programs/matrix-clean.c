/* The pair of matrix-leak. expect: clean */
#include "leaks.h"

static NOINLINE double **make_matrix(int rows, int columns) {
  double **matrix = malloc((size_t)rows * sizeof *matrix);
  for (int i = 0; i < rows; i++) matrix[i] = calloc((size_t)columns, sizeof **matrix);
  return matrix;
}

static NOINLINE void free_matrix(double **matrix, int rows) {
  for (int i = 0; i < rows; i++) free(matrix[i]);
  free(matrix);
}

static NOINLINE void run(void) {
  double **matrix = make_matrix(3, 4);
  matrix[2][3] = 1.0;
  free_matrix(matrix, 3);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
