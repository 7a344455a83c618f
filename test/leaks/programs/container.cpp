/* A container is lost together with everything in it. */
#include "leaks.h"

#include <string>
#include <vector>

namespace {

NOINLINE void add(std::vector<std::string> &names) {
  names.reserve(2); /* expect: indirect 1 block * bytes */
  names.push_back("a name that is too long to be kept within the string"); /* expect: indirect 1 block * bytes */
  names.push_back("another name that is too long to be kept within the string"); /* expect: indirect 1 block * bytes */
}

NOINLINE void run() {
  auto *names = new std::vector<std::string>; /* expect: definite 1 block 12|24 bytes with * */
  add(*names);
#ifdef FIXED
  delete names;
#endif
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
