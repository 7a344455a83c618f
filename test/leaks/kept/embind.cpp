// Embind remembers classes, functions, values, enumerations and vectors.
#include <emscripten/bind.h>
#include <string>
#include <vector>

using namespace emscripten;

struct Base {
  virtual ~Base() = default;
  virtual int number() const { return 1; }
};
struct Store : Base {
  std::string value;
  Store() = default;
  explicit Store(int size) : value(size, 'x') {}
  void put(const std::string &text) { value = text; }
  static int count() { return 1; }
  int number() const override { return 2; }
};
struct Point {
  double x, y;
  double getX() const { return x; }
  void setX(double value) { x = value; }
};
struct Pair {
  int first, second;
};
enum class Colour { red, green };

EMSCRIPTEN_BINDINGS(store) {
  class_<Base>("Base").function("number", &Base::number);
  class_<Store, base<Base>>("Store")
      .smart_ptr<std::shared_ptr<Store>>("StorePointer")
      .constructor<>()
      .constructor<int>()
      .function("put", &Store::put)
      .function("size", optional_override([](const Store &store) { return store.value.size(); }))
      .property("value", &Store::value)
      .class_function("count", &Store::count);
  value_object<Point>("Point").field("x", &Point::getX, &Point::setX).field("y", &Point::y);
  value_array<Pair>("Pair").element(&Pair::first).element(&Pair::second);
  enum_<Colour>("Colour").value("red", Colour::red).value("green", Colour::green);
  register_vector<int>("Numbers");
  register_map<std::string, int>("Map");
  function("count", &Store::count);
  constant("answer", 42);
}

int main() {}
