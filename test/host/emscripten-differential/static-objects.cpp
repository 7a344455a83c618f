// Static objects are made before main and destroyed after it; atexit functions run in between.
#include <cstdio>
#include <cstdlib>

struct Loud {
  const char *name;
  explicit Loud(const char *name) : name(name) { std::printf("%s\n", name); }
  ~Loud() { std::printf("~%s\n", name); }
};
static Loud first("first"), second("second");
static Loud &local() {
  static Loud object("local");
  return object;
}

int main() {
  std::atexit([] { std::puts("atexit"); });
  std::printf("main %s\n", local().name);
  Loud automatic("automatic");
  std::exit(3);
}
