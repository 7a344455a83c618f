/* exceptions-out.cpp -- exceptions of all sorts that leave C++ for JavaScript. */
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

namespace app {
struct Error : std::runtime_error {
  int code;
  Error(const std::string &text, int code) : std::runtime_error(text), code(code) {}
};
struct Worded : std::exception {
  char text[40] = "words of its own";
  const char *what() const noexcept override { return text; }
};
struct First {
  virtual ~First() {}
  int first[4] = {1, 2, 3, 4};
};
struct Second : First, virtual Error {
  Second() : Error("reached through a virtual base", 5) {}
};
struct Third : First, std::logic_error {
  Third() : std::logic_error("reached through the second base") {}
};
struct Hidden : private std::exception {
  std::vector<int> numbers = std::vector<int>(100);
};
struct Plain {
  std::string text = "a string that is long enough for the heap";
};
template <typename T, int N> struct Of {
  T values[N];
};
struct Cruel : std::exception {
  const char *what() const noexcept override { __builtin_trap(); }
};
}  // namespace app
namespace {
struct Unseen {};
}

struct Guard {
  char *block = new char[500];
  ~Guard() { delete[] block; }
};

static void rethrown() {
  try {
    throw app::Error("thrown a second time, and still long enough for the heap", 2);
  } catch (const std::exception &) {
    throw;
  }
}

extern "C" int boom(int n) {
  Guard guard;
  switch (n) {
    case 1: throw std::runtime_error("a message that is long enough for the heap");
    case 2: throw app::Error("an error of the application's own", 7);
    case 3: throw app::Worded();
    case 4: throw app::Second();
    case 5: throw app::Third();
    case 6: throw app::Hidden();
    case 7: throw app::Plain();
    case 8: throw 42;
    case 9: throw "a C string";
    case 10: throw -1.5;
    case 11: throw (long long)-9000000000;
    case 12: throw app::Of<std::vector<int>, 3>();
    case 13: throw std::bad_alloc();
    case 14: throw app::Cruel();
    case 15: throw Unseen();
    case 16: throw std::string("another string that is long enough for the heap");
    case 17: rethrown();
    case 18: throw (const app::Plain *)nullptr;
    case 19: throw true;
  }
  return n;
}

/* Catches what it can. */
extern "C" int caught(int n) {
  try {
    return boom(n);
  } catch (const std::exception &) {
    return -1;
  } catch (int) {
    return -2;
  }
}

extern "C" int uncaught() { return std::uncaught_exceptions(); }
