/* Two objects own each other through counted pointers: the counts never reach zero.
 * differs(lsan-split): it calls every object of a cycle indirect.
 * Fixed: the pointers between the two objects do not count. */
#include "leaks.h"

#include <memory>

namespace {

struct Peer {
#ifdef FIXED
  std::weak_ptr<Peer> other;
#else
  std::shared_ptr<Peer> other;
#endif
  int32_t number = 0;
};

NOINLINE std::shared_ptr<Peer> make() {
  return std::make_shared<Peer>(); /* expect: definite 1 block * bytes with *, indirect 1 block * bytes */
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
