/* An object has two base classes. The program keeps only a pointer to the second one, which lies in the middle.
 * Valgrind recognises objects by their tables of virtual functions and takes the block as reachable.
 * Fixed: the virtual destructor leads back to the start. */
#include "leaks.h"

namespace {

class Shape {
public:
  virtual ~Shape() { id = 0; }
  int32_t id = 1;
};

class Listener {
public:
  virtual ~Listener() { events = 0; }
  int32_t events = 2;
};

class Window : public Shape, public Listener {
public:
  ~Window() override { width = 0; }
  int32_t width = 640;
};

ROOT Listener *listener;

NOINLINE void run() {
  listener = new Window; /* expect: reachable 1 block 20|32 bytes */
#ifdef FIXED
  delete listener;
  listener = nullptr;
#endif
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
