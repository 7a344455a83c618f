#include <cstdio>
#include <mutex>
#include <system_error>
#include <thread>

int main() {
  std::mutex mutex;
  { std::lock_guard<std::mutex> lock(mutex); std::puts("locked"); }
  try {
    std::thread([] {}).join();
    std::puts("ran");
  } catch (const std::system_error &error) {
    std::printf("refused\n");
  }
}
