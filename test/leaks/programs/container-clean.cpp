/* The pair of container-leak. expect: clean */
#include "leaks.h"

#include <string>
#include <vector>

namespace {

NOINLINE void add(std::vector<std::string> &names) {
  names.reserve(2);
  names.push_back("a name that is too long to be kept within the string");
  names.push_back("another name that is too long to be kept within the string");
}

NOINLINE void run() {
  auto *names = new std::vector<std::string>;
  add(*names);
  delete names;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
