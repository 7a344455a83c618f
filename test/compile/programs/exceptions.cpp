// Every way to throw and catch, with one line of output each. The output of the natively compiled program is the expected
// one. An argument adds the cases that leave allocations behind where the C++ library is built without exceptions.
#include <any>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <variant>
#include <vector>

static void say(const char *what) { puts(what); }

struct Base {
  virtual ~Base() {}
  virtual const char *name() const { return "Base"; }
};
struct Other {
  virtual ~Other() {}
  int padding = 1;
  virtual const char *other() const { return "Other"; }
};
struct Derived : Other, Base {
  const char *name() const override { return "Derived"; }
};
struct Left : virtual Base {};
struct Right : virtual Base {};
struct Diamond : Left, Right {
  const char *name() const override { return "Diamond"; }
};
class Hidden : Base {};
enum class Colour { red = 3 };

static int live = 0;
struct Counted {
  int id;
  explicit Counted(int n) : id(n) { live++; }
  Counted(const Counted &other) : id(other.id) { live++; }
  ~Counted() { live--; }
};

struct Guard {
  const char *name;
  ~Guard() { printf("%s unwound, %d in flight\n", name, std::uncaught_exceptions()); }
};

template <typename Body> static void attempt(const char *name, Body body) {
  printf("%s: ", name);
  try {
    body();
    say("nothing");
  } catch (const std::bad_alloc &) {
    say("bad_alloc");
  } catch (const std::out_of_range &) {
    say("out_of_range");
  } catch (const std::length_error &) {
    say("length_error");
  } catch (const std::invalid_argument &) {
    say("invalid_argument");
  } catch (const std::logic_error &e) {
    printf("logic_error %s\n", e.what());
  } catch (const std::runtime_error &e) {
    printf("runtime_error %s\n", e.what());
  } catch (const std::bad_cast &) {
    say("bad_cast");
  } catch (const std::bad_typeid &) {
    say("bad_typeid");
  } catch (const std::bad_function_call &) {
    say("bad_function_call");
  } catch (const std::bad_optional_access &) {
    say("bad_optional_access");
  } catch (const std::bad_variant_access &) {
    say("bad_variant_access");
  } catch (const std::exception &e) {
    say("exception");
  } catch (const Base &b) {
    printf("Base& %s\n", b.name());
  } catch (const Base *b) {
    printf("Base* %s\n", b->name());
  } catch (int n) {
    printf("int %d\n", n);
  } catch (const char *text) {
    printf("text %s\n", text);
  } catch (Colour colour) {
    printf("colour %d\n", static_cast<int>(colour));
  } catch (int Counted::*member) {
    printf("member %d\n", member == nullptr);
  } catch (std::nullptr_t) {
    say("nullptr");
  } catch (...) {
    say("something");
  }
}

static void deep(int n) {
  Counted here(n);
  if (n == 0) throw std::runtime_error("deep");
  deep(n - 1);
}

static void rethrow_twice() {
  try {
    try {
      throw Counted(7);
    } catch (Counted &c) {
      c.id++;
      throw;
    }
  } catch (Counted &c) {
    printf("%d ", c.id);
    throw;
  }
}

struct Throws {
  Counted member{1};
  explicit Throws(bool fail) {
    if (fail) throw 5;
  }
};

struct FunctionTry {
  Counted member;
  FunctionTry() try : member(1) {
    throw std::runtime_error("in the body");
  } catch (const std::runtime_error &e) {
    printf("(function try: %s) ", e.what());
  }
};

static int attempts = 0;
static int initialise() {
  if (attempts++ == 0) throw 11;
  return 12;
}
static int once() {
  static int value = initialise();
  return value;
}

static std::exception_ptr kept;
static void keep() {
  try {
    throw Counted(21);
  } catch (...) {
    kept = std::current_exception();
  }
}

static void nested() {
  try {
    try {
      throw std::runtime_error("inner");
    } catch (...) {
      std::throw_with_nested(std::logic_error("outer"));
    }
  } catch (const std::exception &outer) {
    printf("%s of ", outer.what());
    std::rethrow_if_nested(outer);
  }
}

static int by_throwing(const void *a, const void *b) {
  if (*static_cast<const int *>(a) == 3 || *static_cast<const int *>(b) == 3) throw 33;
  return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

static Derived derived;

int main(int argc, char **) {
  attempt("nothing", [] {});
  attempt("int", [] { throw 1; });
  attempt("text", [] { throw "words"; });
  attempt("enumerator", [] { throw Colour::red; });
  attempt("nullptr", [] { throw static_cast<int Counted::*>(nullptr); });
  attempt("a type nobody names", [] { throw 1.5; });
  attempt("derived object", [] { throw Derived(); });
  attempt("derived pointer", [] { throw &derived; });
  attempt("virtual base", [] { throw Diamond(); });
  attempt("private base", [] { throw Hidden(); });
  attempt("frames", [] { deep(20); });
  printf("live %d\n", live);
  attempt("thrown again", [] { rethrow_twice(); });
  printf("live %d\n", live);
  attempt("constructor", [] { Throws made(true); });
  attempt("new", [] { delete new Throws(true); });
  attempt("array of new", [] { delete[] new Throws[3]{Throws(false), Throws(false), Throws(true)}; });
  attempt("function try", [] { FunctionTry made; });
  attempt("shared", [] { std::make_shared<Throws>(true); });
  printf("live %d\n", live);
  attempt("static, the first time", [] { once(); });
  attempt("static, the second time", [] { printf("%d ", once()); });

  attempt("vector", [] { std::vector<int>(3).at(5); });
  attempt("string", [] { std::string("abc").at(9); });
  attempt("substr", [] { std::string("abc").substr(9); });
  attempt("insert", [] { std::string("abc").insert(9, "x"); });
  attempt("length", [] { std::string text; text.reserve(text.max_size() + 1); });
  attempt("vector's length", [] { std::vector<int> many; many.reserve(many.max_size() + 1); });
  attempt("stoi, no number", [] { std::stoi("none"); });
  attempt("stoi, too large", [] { std::stoi("99999999999999999999"); });
  attempt("stod, no number", [] { std::stod("none"); });
  attempt("bad_cast", [] { Base base; (void)dynamic_cast<Derived &>(base); });
  attempt("bad_typeid", [] { Base *volatile none = nullptr; (void)typeid(*none).name(); });
  attempt("function", [] { std::function<int()>()(); });
  attempt("optional", [] { std::optional<int>().value(); });
  attempt("variant", [] { std::get<int>(std::variant<int, char>('c')); });
  attempt("any", [] { std::any_cast<int>(std::any('c')); });
  attempt("array that is too large", [] {
    volatile int n = -1;
    int *volatile many = new int[n];
    delete[] many;
  });
  attempt("new without memory", [] {
    volatile std::size_t n = std::size_t(-1) / 2 - 4096;
    char *volatile much = new char[n];
    much[0] = 1;
    delete[] much;
  });
  attempt("aligned new without memory", [] {
    struct alignas(64) Block {
      char bytes[64];
    };
    volatile std::size_t n = std::size_t(-1) / 128 - 4096;
    Block *volatile much = new Block[n];
    delete[] much;
  });
  attempt("nothrow new without memory", [] {
    volatile std::size_t n = std::size_t(-1) / 2 - 4096;
    char *volatile none = new (std::nothrow) char[n];
    printf("%d ", none == nullptr);
  });

  keep();
  attempt("kept, the first time", [] { std::rethrow_exception(kept); });
  try {
    std::rethrow_exception(kept);
  } catch (const Counted &c) {
    printf("kept, the second time: %d\n", c.id);
  }
  kept = nullptr;
  printf("live %d\n", live);
  attempt("made", [] { std::rethrow_exception(std::make_exception_ptr(std::runtime_error("made"))); });
  if (argc > 1) attempt("nested", [] { nested(); });
  attempt("through qsort", [] {
    int numbers[] = {5, 3, 1, 4};
    qsort(numbers, 4, sizeof *numbers, by_throwing);
  });
  attempt("guards", [] {
    Guard outer{"outer"};
    try {
      Guard inner{"inner"};
      throw std::runtime_error("guarded");
    } catch (int) {
    }
  });
  attempt("catch inside a destructor", [] {
    struct Careful {
      ~Careful() {
        try {
          throw 1;
        } catch (int) {
          printf("(inside) ");
        }
      }
    };
    Careful careful;
    throw std::runtime_error("outside");
  });
  attempt("many", [] {
    int caught = 0;
    for (int i = 0; i < 10000; i++) {
      try {
        if (i % 2) throw std::string("a text that is long enough to be allocated");
        throw i;
      } catch (const std::string &) {
        caught++;
      } catch (int) {
        caught++;
      }
    }
    printf("%d ", caught);
  });
  printf("in flight %d, current %d\n", std::uncaught_exceptions(), std::current_exception() != nullptr);
  return 0;
}
