/* The program keeps only a pointer to a member that is itself an object. The member's table of virtual functions names
 * another type than the block's table, so the member is no base class and does not lead to the start.
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
