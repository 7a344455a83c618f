/* A destructor is not virtual: deleting through the base class runs only the destructor of the base class.
 * Fixed: the destructor is virtual. */
#include "leaks.h"

namespace {

class Node {
public:
#ifdef FIXED
  virtual ~Node() { text = nullptr; }
#else
  ~Node() { text = nullptr; }
#endif
  char *text = nullptr;
};

class Named : public Node {
public:
  Named() { text = new char[21]; } /* expect: definite 1 block 21 bytes */
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
