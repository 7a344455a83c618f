// Classes with a base, a table of virtual functions, static members and references.

namespace ns {

enum class Kind : unsigned char { Round, Flat = 200 };

struct Place {
  int x, y;
};

class Shape {
 public:
  virtual ~Shape();
  static int count;
  int id = 3;
};

int Shape::count = 0;

// Clang describes a class where its first virtual function is.
Shape::~Shape() {}

struct Square : Shape {
  double side = 2;
  Place at = {4, 5};
  double area(double scale) const { return side * side * scale; }
};

template <typename T>
struct Box {
  T held;
};

}  // namespace ns

static ns::Square square;

extern "C" double area(const ns::Square &shape, const ns::Place *place, ns::Kind kind) {
  return shape.area(place->x) + static_cast<int>(kind) + ns::Shape::count;
}

extern "C" ns::Square *the_square() { return &square; }

extern "C" ns::Box<char *> *boxed(char *text) { return new ns::Box<char *>{text}; }
