// The clocks of C++, and a thread that sleeps.
#include <chrono>
#include <cstdio>
#include <thread>

int main() {
  using namespace std::chrono;
  const auto steady = steady_clock::now();
  const auto precise = high_resolution_clock::now();
  const auto system = system_clock::now();
  std::this_thread::sleep_for(milliseconds(15));
  const auto passed = duration_cast<milliseconds>(steady_clock::now() - steady).count();
  std::printf("steady %s\n", passed >= 14 && passed < 5000 ? "advances" : "does not");
  std::printf("precise %d\n", high_resolution_clock::now() > precise);
  std::printf("system %d\n", system_clock::now() - system >= milliseconds(13));
  std::printf("is steady %d\n", steady_clock::is_steady);
  std::printf("year %d\n", system_clock::to_time_t(system) > 1600000000);
}
