/* delete without [] frees an array from new[]: it frees the first element, which has no block of its own. */
#include "leaks.h"

namespace {

int32_t alive;

class Sample {
public:
  Sample() { alive++; }
  ~Sample() { alive--; }
  int32_t fields[2] = {0};
};

ROOT Sample *samples;

NOINLINE void run() {
  samples = new Sample[4]; /* expect: allocated samples */ /* expect: definite 1 block 36|40 bytes */
#ifdef FIXED
  delete[] samples;
#else
  delete samples; /* expect: interior-free samples */
#endif
  samples = nullptr;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
