// The C++ library: headers of wasi-libc reach it through those of csrc/posix/include/.
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

int main() {
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::tmpfile(), std::fclose);
  std::signal(SIGUSR1, SIG_IGN);
  std::raise(SIGUSR1);
  try {
    throw std::runtime_error("caught");
  } catch (const std::exception &error) {
    std::cout << error.what() << ' ' << (file != nullptr) << ' ' << std::filesystem::exists("/") << '\n';
  }
  new std::string(100, 'x');
  return 0;
}
