/* The second of two allocations fails, and the first is forgotten on that path. */
#include "leaks.h"

struct image {
  char *header, *pixels;
};

static NOINLINE int open_image(struct image *image, size_t size) {
  image->header = malloc(54); /* expect: definite 1 block 54 bytes */
  image->header[0] = 'B';
  image->pixels = malloc(size);
#ifdef FIXED
  if (image->pixels == NULL) {
    free(image->header);
    return -1;
  }
#else
  if (image->pixels == NULL) return -1;
#endif
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
