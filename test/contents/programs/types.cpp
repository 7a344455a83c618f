// The same of C++: constructors say which type operator new has made.
volatile int zero;
void *kept;
__attribute__((noinline)) static void lose(void *pointer) {
  if (zero) kept = pointer;
}

namespace shapes {
class Shape {
public:
  explicit Shape(int id) : id(id) {}
  virtual ~Shape() {}
  virtual double area() const { return 0; }
  int id;
};
class Circle : public Shape {
public:
  explicit Circle(double radius) : Shape(3), radius(radius) {}
  double area() const override { return 3 * radius * radius; }
  double radius;
};
/* As large as its base. */
class Dot : public Shape {
public:
  Dot() : Shape(4) {}
  double area() const override { return id; }
};
struct Place {
  double x = 1, y = 2;
};
template <typename T> struct Box {
  T value;
  Box *next;
};
} // namespace shapes
using namespace shapes;

__attribute__((noinline)) static Shape *circle(double radius) {
  return new Circle(radius); /* is class shapes::Circle or begins class shapes::Shape or unknown */
}
__attribute__((noinline)) static Shape *dot() {
  return new Dot(); /* is class shapes::Dot or is class shapes::Shape or unknown */
}

int main() {
  Place *place = new Place(); /* is struct shapes::Place */
  lose(place);
  Place *places = new Place[5]; /* begins struct shapes::Place */
  lose(places);
  auto *box = new Box<short>{7, nullptr}; /* is struct shapes::Box<short> */
  lose(box);
  lose(circle(2));
  lose(dot());
  int *numbers = new int[7]; /* unknown */
  lose(numbers);
  return 0;
}
