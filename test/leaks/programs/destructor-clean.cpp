/* The pair of destructor-leak: the destructor is virtual. expect: clean */
#include "leaks.h"

namespace {

class Node {
public:
  virtual ~Node() { text = nullptr; }
  char *text = nullptr;
};

class Named : public Node {
public:
  Named() { text = new char[21]; }
  ~Named() { delete[] text; }
};

ROOT Node *node;

NOINLINE void run() {
  node = new Named;
  delete node;
  node = nullptr;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
