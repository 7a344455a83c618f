/* The pair of shared-pointer-leak: the pointers between the two do not count. expect: clean */
#include "leaks.h"

#include <memory>

namespace {

struct Peer {
  std::weak_ptr<Peer> other;
  int32_t number = 0;
};

NOINLINE std::shared_ptr<Peer> make() {
  return std::make_shared<Peer>();
}

NOINLINE void run() {
  std::shared_ptr<Peer> first = make(), second = make();
  first->other = second;
  second->other = first;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
