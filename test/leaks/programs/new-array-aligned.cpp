/* As new-array-leak, but the elements are aligned to 8 bytes: with pointers of 32 bits, four bytes of padding come
 * before their number. */
#include "leaks.h"

namespace {

int32_t alive;

class Sample {
public:
  Sample() { alive++; }
  ~Sample() { alive--; }
  double fields[3] = {0};
};

ROOT Sample *samples;

NOINLINE void run() {
  samples = new Sample[5]; /* expect: reachable 1 block 128 bytes */
#ifdef FIXED
  delete[] samples;
  samples = nullptr;
#endif
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
