// Exceptions are thrown and caught.
#include <cstdio>
#include <stdexcept>

int main() {
  for (int i = 0; i < 10; i++) {
    try {
      throw std::runtime_error("thrown and caught");
    } catch (const std::exception &error) {
      std::puts(error.what());
    }
  }
}
