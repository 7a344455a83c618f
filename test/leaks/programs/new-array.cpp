/* Elements have a destructor: new[] stores their number before them, so a pointer to the first one points into the
 * middle of the block. Valgrind knows this layout and takes the block as reachable. */
#include "leaks.h"

namespace {

int32_t alive;

class Sample {
public:
  Sample() { alive++; }
  ~Sample() { alive--; }
  int32_t fields[6] = {0};
};

ROOT Sample *samples;

NOINLINE void run() {
  samples = new Sample[5]; /* expect: reachable 1 block 124|128 bytes */
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
