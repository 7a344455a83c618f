#include <cstdio>
#include <stdexcept>

int main() {
  std::puts("throwing");
  throw std::runtime_error("nobody catches this");
}
