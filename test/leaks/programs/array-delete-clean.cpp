/* The pair of array-delete-bad. expect: clean */
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
  samples = new Sample[4];
  delete[] samples;
  samples = nullptr;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
