#include <cstdio>
#include <cstdlib>
#include <exception>

int main() {
  std::set_terminate([] {
    std::puts("terminating");
    std::_Exit(33);
  });
  std::terminate();
}
