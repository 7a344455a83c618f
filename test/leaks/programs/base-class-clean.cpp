/* The pair of base-class-leak: the virtual destructor leads back to the start. expect: clean */
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
  listener = new Window;
  delete listener;
  listener = nullptr;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
