#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

int main() {
  std::string word;
  int number;
  std::cin >> word >> number;
  std::cout << word << ' ' << std::setw(6) << std::setfill('.') << number << std::hex << " 0x" << number << std::endl;
  std::cerr << "error" << std::endl;
  std::clog << "log\n";
  std::ofstream("/tmp/file") << 1.5 << '\n' << std::boolalpha << true;
  std::ifstream file("/tmp/file");
  for (std::string line; std::getline(file, line);) std::cout << line << '|';
  std::ostringstream text;
  text << std::setprecision(3) << 3.14159;
  std::cout << text.str() << " no newline";
}
