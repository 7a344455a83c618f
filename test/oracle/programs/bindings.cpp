/* bindings.cpp -- classes that embind offers to JavaScript, whose methods allocate, call back and are called back. */
#include <emscripten.h>
#include <emscripten/bind.h>
#include <memory>
#include <string>
#include <vector>

using emscripten::val;

class Store {
  std::vector<std::string> texts;

 public:
  explicit Store(int room) { texts.reserve(room); }
  virtual ~Store() {}
  void add(std::string text) { texts.push_back(text + " and so long that it takes a block"); }
  void each(val visit) {
    for (const std::string &text : std::vector<std::string>(texts)) visit(text);
  }
  std::string all() const {
    std::string result;
    for (const std::string &text : texts) result += text;
    return result;
  }
  virtual int measure(std::string text) { return (int)(text + text).size(); }
};
struct Wide : Store {
  Wide() : Store(3) {}
  int measure(std::string text) override { return Store::measure(text + std::string(40, 'w')); }
};

static std::shared_ptr<Store> share(int room) { return std::make_shared<Store>(room); }
static val collect(val list) {
  std::vector<std::string> texts = emscripten::vecFromJSArray<std::string>(list);
  val result = val::array();
  for (const std::string &text : texts) result.call<void>("push", text + std::string(30, '.'));
  return result;
}
static int apply(val f, int n) { return f(std::string(n + 20, 'a')).as<int>(); }

EMSCRIPTEN_BINDINGS(stores) {
  emscripten::class_<Store>("Store")
      .constructor<int>()
      .smart_ptr<std::shared_ptr<Store>>("shared")
      .function("add", &Store::add)
      .function("each", &Store::each)
      .function("all", &Store::all)
      .function("measure", &Store::measure);
  emscripten::class_<Wide, emscripten::base<Store>>("Wide").constructor<>();
  emscripten::function("share", &share);
  emscripten::function("collect", &collect);
  emscripten::function("apply", &apply);
}

EM_JS(void, drive, (int rounds, int later), {
  const once = (round) => {
    const stores = [new Module.Store(round), Module.share(round), new Module.Wide()];
    for (const store of stores) {
      store.add('text ' + round);
      store.add('another text of the same store');
      store.each((text) => {
        store.add(text);
        const inner = new Module.Store(2);
        inner.add(text);
        inner.each((each) => store.measure(each));
        inner.delete();
      });
      store.measure(store.all());
    }
    Module.collect(['one', 'two', stores[0].all()]);
    Module.apply((text) => Module.apply((again) => stores[2].measure(text + again), round), round);
    for (const store of stores) store.delete();
  };
  if (later) for (let i = 0; i < rounds; i++) setTimeout(() => once(i), 0);
  else for (let i = 0; i < rounds; i++) once(i);
});

extern "C" {
void now(int rounds) { drive(rounds, 0); }
void later(int rounds) { drive(rounds, 1); }
}
