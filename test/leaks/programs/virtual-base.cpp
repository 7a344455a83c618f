/* Diamonds: the program keeps a pointer to the virtual base class at their end, or to the second of the other two. */
#include "leaks.h"

namespace {

class Counted {
public:
  virtual ~Counted() { references = 0; }
  int32_t references = 1;
};

class Source : public virtual Counted {
public:
  ~Source() override { read = 0; }
  int32_t read = 0;
};

class Sink : public virtual Counted {
public:
  ~Sink() override { written = 0; }
  int32_t written = 0;
};

class Channel : public Source, public Sink {
public:
  ~Channel() override { open = 0; }
  int32_t open = 1;
};

ROOT Counted *counted;
ROOT Sink *sink;

NOINLINE void run() {
  counted = new Channel; /* expect: reachable 1 block 28|48 bytes */
  sink = new Channel; /* expect: reachable 1 block 28|48 bytes */
#ifdef FIXED
  delete counted;
  delete sink;
  counted = nullptr;
  sink = nullptr;
#endif
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
