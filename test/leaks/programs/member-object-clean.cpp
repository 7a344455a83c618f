/* The pair of member-object-leak. expect: clean */
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
  Parser *parser = new Parser;
  stream = &parser->input;
  stream->position = 1;
  stream = nullptr;
  delete parser;
}

} // namespace

int main() {
  run();
  clear_stack();
  return 0;
}
