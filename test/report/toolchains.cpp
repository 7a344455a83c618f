// The same of C++: objects, constructors and exceptions apart, which not every toolchain has.
#include <cstdlib>

struct Node {
  int *numbers;
  Node *next;
  __attribute__((noinline)) explicit Node(Node *next) : numbers(new int[4]), next(next) {}
};

__attribute__((noinline)) static Node *chain(int length) {
  return length == 0 ? nullptr : new Node(chain(length - 1));
}

int main() {
  volatile bool lost = chain(3) != nullptr;
  std::malloc(5);
  return lost ? 0 : 1;
}
