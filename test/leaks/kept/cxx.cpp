// Objects that the C++ runtime makes for itself: streams, locales, functions to run at the end.
#include <iostream>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

static std::vector<std::string> texts{"one", "two, which is too long to be stored in the string itself"};
static std::string &local() {
  static std::string text(100, 'x');
  return text;
}

int main() {
  std::cout << texts[1] << ' ' << local().size() << std::endl;
  std::cerr << 1.5 << '\n';
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  stream << std::hex << 255;
  std::cout << stream.str() << '\n';
}
