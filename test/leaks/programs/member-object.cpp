/* All that is kept is a pointer to a member that is an object itself. Its table of virtual functions names another type
 * than the block's own, so it is no base class and leads nowhere near the start.
 * differs(valgrind): it takes any two tables for those of one object. */
#include "leaks.h"

namespace {

class Stream {
public:
  virtual ~Stream() { position = 0; }
  int32_t position = 0;
};

class Parser {
public:
  virtual ~Parser() { depth = 0; }
  int32_t depth = 0;
  Stream input;
};

ROOT Stream *stream;

NOINLINE void run() {
  Parser *parser = new Parser; /* expect: possible 1 block 16|32 bytes */
  stream = &parser->input;
#ifdef FIXED
  stream->position = 1;
  stream = nullptr;
  delete parser;
#endif
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
