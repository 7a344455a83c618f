// C++ exceptions are caught: by type, by base class, rethrown, nested, and past a destructor.
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

struct Guard {
  const char *name;
  ~Guard() { std::printf("~%s\n", name); }
};
static void thrower(int what) {
  Guard guard{"thrower"};
  switch (what) {
    case 0: throw std::runtime_error("runtime");
    case 1: throw 42;
    case 2: throw std::string("text");
    case 3: std::vector<int>(3).at(7);
    case 4: throw nullptr;
    default: new char[0x7fffffff];
  }
}

int main() {
  for (int what = 0; what < 4; what++) {
    try {
      Guard guard{"try"};
      thrower(what);
    } catch (const std::runtime_error &error) {
      std::printf("error %s\n", error.what());
    } catch (int number) {
      std::printf("number %d\n", number);
    } catch (const std::string &text) {
      std::printf("text %s\n", text.c_str());
    } catch (const std::exception &) {
      std::printf("exception\n");
    } catch (...) {
      std::printf("something\n");
    }
  }
  try {
    try {
      throw std::logic_error("inner");
    } catch (const std::exception &) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  } catch (const std::exception &error) {
    std::printf("%s\n", error.what());
    try {
      std::rethrow_if_nested(error);
    } catch (const std::exception &nested) {
      std::printf("%s\n", nested.what());
    }
  }
  std::exception_ptr kept;
  try {
    throw 5;
  } catch (...) {
    kept = std::current_exception();
  }
  try {
    std::rethrow_exception(kept);
  } catch (int number) {
    std::printf("kept %d\n", number);
  }
  std::printf("uncaught %d\n", std::uncaught_exceptions());
}
