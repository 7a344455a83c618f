/* The pair of new-array-aligned-leak. expect: clean */
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
  samples = new Sample[5];
  delete[] samples;
  samples = nullptr;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
