/* The pair of allocation-failure-leak. expect: clean */
#include "leaks.h"

struct image {
  char *header, *pixels;
};

static NOINLINE int open_image(struct image *image, size_t size) {
  image->header = malloc(54);
  image->header[0] = 'B';
  image->pixels = malloc(size);
  if (image->pixels == NULL) {
    free(image->header);
    return -1;
  }
  return 0;
}

static NOINLINE void run(void) {
  volatile size_t huge = SIZE_MAX - 65536;
  struct image image;
  if (open_image(&image, huge) == 0) {
    free(image.pixels);
    free(image.header);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
