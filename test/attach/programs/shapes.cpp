// shapes.cpp -- an embind module as a page uses it: a class whose objects JavaScript makes and deletes.
#include <cstdlib>
#include <emscripten/bind.h>
#include <string>

class Shape {
public:
  explicit Shape(int points) : points_(points), data_(static_cast<double *>(std::calloc(points, sizeof(double)))) {}
  ~Shape() { std::free(data_); }
  int points() const { return points_; }
  void rename(const std::string &name) { name_ = name; }
  std::string name() const { return name_; }

private:
  int points_;
  double *data_;
  std::string name_;
};

EMSCRIPTEN_BINDINGS(shapes) {
  emscripten::class_<Shape>("Shape")
      .constructor<int>()
      .function("points", &Shape::points)
      .function("rename", &Shape::rename)
      .function("name", &Shape::name);
}
