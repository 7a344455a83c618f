// Classes, values, vectors and functions through embind.
#include <emscripten.h>
#include <emscripten/bind.h>
#include <emscripten/val.h>
#include <cstdio>
#include <string>
#include <vector>

using namespace emscripten;

class Store {
 public:
  explicit Store(std::string name) : name(std::move(name)) {}
  virtual ~Store() = default;
  void put(const std::string &text) { texts.push_back(text); }
  std::vector<std::string> all() const { return texts; }
  int size() const { return static_cast<int>(texts.size()); }
  std::string getName() const { return name; }
  void setName(std::string value) { name = std::move(value); }

 private:
  std::string name;
  std::vector<std::string> texts;
};
struct Point {
  double x, y;
};
enum class Colour { red, green };
static Point mirrored(Point point) { return {point.y, point.x}; }
static std::string nameOf(Colour colour) { return colour == Colour::red ? "red" : "green"; }
static int apply(val function) { return function(20, 22).as<int>(); }

EMSCRIPTEN_BINDINGS(store) {
  class_<Store>("Store")
      .constructor<std::string>()
      .function("put", &Store::put)
      .function("all", &Store::all)
      .function("size", &Store::size)
      .property("name", &Store::getName, &Store::setName);
  value_object<Point>("Point").field("x", &Point::x).field("y", &Point::y);
  enum_<Colour>("Colour").value("red", Colour::red).value("green", Colour::green);
  register_vector<std::string>("Strings");
  function("mirrored", &mirrored);
  function("nameOf", &nameOf);
  function("apply", &apply);
}

int main() {
  EM_ASM({
    const store = new Module.Store('shop');
    store.put('apples');
    store.put('p\u00e4rs');
    const all = store.all();
    out(store.name + ' ' + store.size() + ' ' + all.get(1) + ' ' + all.size());
    store.name = 'new';
    out(store.name);
    all.delete();
    store.delete();
    const point = Module.mirrored({ x: 1, y: 2.5 });
    out(point.x + ' ' + point.y);
    out(Module.nameOf(Module.Colour.green));
    out(String(Module.apply((a, b) => a + b)));
    try {
      Module.mirrored({ x: 1 });
    } catch (error) {
      out(error.name + ': ' + error.message);
    }
  });
  const val map = val::global("Map").new_();
  map.call<void>("set", 1, std::string("one"));
  std::printf("%s\n", map.call<val>("get", 1).as<std::string>().c_str());
}
