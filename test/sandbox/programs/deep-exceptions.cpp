/* deep-exceptions.cpp -- uses up its stack below a function that might catch. */
#include <stdexcept>
#include <string.h>

static int deep(int n) {
  char frame[1024];
  memset(frame, n, sizeof frame);
  if (n < 0) throw std::runtime_error("below zero");
  return n == 0 ? frame[5] : deep(n - 1) + frame[7];
}
extern "C" int guarded(int n) {
  try {
    return deep(n);
  } catch (const std::exception &) {
    return -1;
  }
}
