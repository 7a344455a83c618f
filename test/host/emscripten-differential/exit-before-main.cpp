#include <cstdio>
#include <cstdlib>

struct Early {
  Early() {
    std::puts("too early");
    std::exit(17);
  }
};
static Early early;

int main() { std::puts("not reached"); }
