/* The second base class has no virtual functions: a pointer to it looks like any other pointer into the middle.
 * Fixed: a cast leads back to the start. */
#include "leaks.h"

namespace {

class Shape {
public:
  virtual ~Shape() { id = 0; }
  int32_t id = 1;
};

class Area {
public:
  int32_t width = 640, height = 480;
};

class Window : public Shape, public Area {
public:
  ~Window() override { border = 0; }
  int32_t border = 1;
};

ROOT Area *area;

NOINLINE void run() {
  area = new Window; /* expect: possible 1 block 20|24 bytes */
#ifdef FIXED
  delete static_cast<Window *>(area);
  area = nullptr;
#endif
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
