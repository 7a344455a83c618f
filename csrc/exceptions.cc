// C++ exceptions for sysroots whose C++ library was built without them: the part of the Itanium C++ ABI that throws
// and catches, over WebAssembly's exceptions. wasi-libc's sysroots have a libc++abi with the type information, but
// without __cxa_throw and its family. This object is linked before that library and provides the missing functions.
//
// Layouts and protocol are those of LLVM's libc++abi and libunwind for WebAssembly, because clang's code expects them
// and debuggers read them:
//
//   __cxa_throw           throws WebAssembly's tag __cpp_exception with the address of the object's UnwindException
//   _Unwind_CallPersonality   called by a landing pad, which has put the number of its call site and its table (LSDA)
//                         into __wasm_lpad_context; leaves there the number of the handler that takes the exception, or 0
//   __cxa_begin_catch, __cxa_end_catch   enter and leave that handler
//
// No search phase comes before the stack unwinds: WebAssembly stops at every frame with a landing pad. The code below
// throws but never catches, so it is the same for both of WebAssembly's encodings of try.
//
// libc++ itself cannot throw. Instead it calls __libcpp_verbose_abort with the exception's name in a sentence, and
// the code below throws that exception.

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <typeinfo>

namespace {

constexpr std::uint64_t our_class = 0x434C4E47432B2B00;       // "CLNGC++\0"
constexpr std::uint64_t dependent_class = 0x434C4E47432B2B01; // of an exception that std::exception_ptr shares

// Destructors return their object on WebAssembly.
using Destructor = void *(void *);

struct alignas(16) UnwindException {
  std::uint64_t exception_class;
  void (*cleanup)(int reason, UnwindException *);
  std::uintptr_t reserved[2];
};

// Stands before each thrown object.
struct Exception {
  std::type_info *type;
  Destructor *destructor;
  void (*unexpected)();
  std::terminate_handler terminate;
  Exception *next_caught;
  int handlers; // handlers that are active; negative: thrown again meanwhile
  int selector;
  const std::uint8_t *action;
  const std::uint8_t *table;
  void *landing_pad;
  void *adjusted; // for the handler: the object, or a base class in it, or the pointer that was thrown
  std::size_t references;
  UnwindException unwind;
};

// Stands for an exception that is thrown a second time through a std::exception_ptr.
struct DependentException {
  void *primary; // the object
  Destructor *destructor;
  void (*unexpected)();
  std::terminate_handler terminate;
  Exception *next_caught;
  int handlers;
  int selector;
  const std::uint8_t *action;
  const std::uint8_t *table;
  void *landing_pad;
  void *adjusted;
  std::size_t references;
  UnwindException unwind;
};

static_assert(sizeof(Exception) == 80 && offsetof(Exception, unwind) == 48, "the ABI's layout");
static_assert(sizeof(DependentException) == sizeof(Exception), "the ABI's layout");

struct Globals {
  Exception *caught;
  unsigned uncaught;
};
Globals globals;

Exception *of_object(void *object) { return static_cast<Exception *>(object) - 1; }
Exception *of_unwind(UnwindException *unwind) {
  return reinterpret_cast<Exception *>(reinterpret_cast<char *>(unwind) - offsetof(Exception, unwind));
}

bool is_dependent(const Exception *exception) { return exception->unwind.exception_class == dependent_class; }

// The object that was thrown, which a dependent exception shares with others.
void *object_of(Exception *exception) {
  return is_dependent(exception) ? reinterpret_cast<DependentException *>(exception)->primary : exception + 1;
}
std::type_info *type_of(Exception *exception) { return of_object(object_of(exception))->type; }

[[noreturn]] void raise(Exception *exception) { __builtin_wasm_throw(0, &exception->unwind); }

} // namespace

// libc++abi's own classes of type information say whether a handler takes an exception. Only the place of can_catch
// among the virtual functions matters here. The functions before it are std::type_info's destructors and two of
// libstdc++'s.
class CatchableType : public std::type_info {
public:
  virtual ~CatchableType();
  virtual void reserved_1() const;
  virtual void reserved_2() const;
  virtual bool can_catch(const CatchableType *thrown, void *&adjusted) const = 0;
};

extern "C" {

// A landing pad and _Unwind_CallPersonality exchange their values in this variable. clang accesses it by its name.
struct LandingPadContext {
  std::uintptr_t call_site;
  const std::uint8_t *table;
  std::uintptr_t selector;
};
thread_local LandingPadContext __wasm_lpad_context;

void *__cxa_get_globals() noexcept { return &globals; }
void *__cxa_get_globals_fast() noexcept { return &globals; }

void *__cxa_allocate_exception(std::size_t size) noexcept {
  void *memory = std::calloc(1, sizeof(Exception) + size);
  if (memory == nullptr) std::terminate();
  return static_cast<Exception *>(memory) + 1;
}

void __cxa_free_exception(void *object) noexcept { std::free(of_object(object)); }

void *__cxa_allocate_dependent_exception() noexcept { return static_cast<Exception *>(__cxa_allocate_exception(0)) - 1; }
void __cxa_free_dependent_exception(void *exception) noexcept { std::free(exception); }

void __cxa_increment_exception_refcount(void *object) noexcept {
  if (object != nullptr) of_object(object)->references++;
}

void __cxa_decrement_exception_refcount(void *object) noexcept {
  if (object == nullptr) return;
  Exception *exception = of_object(object);
  if (--exception->references != 0) return;
  if (exception->destructor != nullptr) exception->destructor(object);
  __cxa_free_exception(object);
}

static void clean_up(int, UnwindException *unwind) {
  Exception *exception = of_unwind(unwind);
  void *object = object_of(exception);
  if (is_dependent(exception)) __cxa_free_dependent_exception(exception);
  __cxa_decrement_exception_refcount(object);
}

// A host or another language calls this when it has caught the exception and does not need it any more.
void _Unwind_DeleteException(UnwindException *unwind) {
  if (unwind->cleanup != nullptr) unwind->cleanup(1, unwind);
}

// libc++'s headers declare the function with types of their own, so it has another name here.
Exception *init_exception(void *object, std::type_info *type,
                          Destructor *destructor) noexcept __asm__("__cxa_init_primary_exception");
Exception *init_exception(void *object, std::type_info *type, Destructor *destructor) noexcept {
  Exception *exception = of_object(object);
  exception->type = type;
  exception->destructor = destructor;
  exception->terminate = std::get_terminate();
  exception->unwind.exception_class = our_class;
  exception->unwind.cleanup = clean_up;
  return exception;
}

[[noreturn]] void __cxa_throw(void *object, std::type_info *type, Destructor *destructor) {
  Exception *exception = init_exception(object, type, destructor);
  exception->references = 1;
  globals.uncaught++;
  raise(exception);
}

void *__cxa_get_exception_ptr(UnwindException *unwind) noexcept { return of_unwind(unwind)->adjusted; }

void *__cxa_begin_catch(UnwindException *unwind) noexcept {
  Exception *exception = of_unwind(unwind);
  exception->handlers = exception->handlers < 0 ? -exception->handlers + 1 : exception->handlers + 1;
  if (exception != globals.caught) {
    exception->next_caught = globals.caught;
    globals.caught = exception;
  }
  globals.uncaught--;
  return exception->adjusted;
}

void __cxa_end_catch() {
  Exception *exception = globals.caught;
  if (exception == nullptr) return;
  if (exception->handlers < 0) {
    // It was thrown again: the next handler owns it.
    if (++exception->handlers == 0) globals.caught = exception->next_caught;
    return;
  }
  if (--exception->handlers != 0) return;
  globals.caught = exception->next_caught;
  clean_up(1, &exception->unwind);
}

[[noreturn]] void __cxa_rethrow() {
  Exception *exception = globals.caught;
  if (exception == nullptr) std::terminate();
  exception->handlers = -exception->handlers;
  globals.uncaught++;
  raise(exception);
}

std::type_info *__cxa_current_exception_type() {
  return globals.caught == nullptr ? nullptr : type_of(globals.caught);
}

void *__cxa_current_primary_exception() noexcept {
  if (globals.caught == nullptr) return nullptr;
  void *object = object_of(globals.caught);
  __cxa_increment_exception_refcount(object);
  return object;
}

void __cxa_rethrow_primary_exception(void *object) {
  if (object == nullptr) return;
  auto *dependent = static_cast<DependentException *>(__cxa_allocate_dependent_exception());
  dependent->primary = object;
  __cxa_increment_exception_refcount(object);
  dependent->terminate = std::get_terminate();
  dependent->unwind.exception_class = dependent_class;
  dependent->unwind.cleanup = clean_up;
  globals.uncaught++;
  raise(reinterpret_cast<Exception *>(dependent));
}

unsigned int __cxa_uncaught_exceptions() noexcept { return globals.uncaught; }
bool __cxa_uncaught_exception() noexcept { return globals.uncaught != 0; }

} // extern "C"

namespace {

std::uintptr_t read_unsigned(const std::uint8_t *&at) {
  std::uintptr_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint8_t byte = *at++;
    value |= static_cast<std::uintptr_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

std::intptr_t read_signed(const std::uint8_t *&at) {
  std::uintptr_t value = 0;
  for (unsigned shift = 0;;) {
    const std::uint8_t byte = *at++;
    value |= static_cast<std::uintptr_t>(byte & 0x7f) << shift;
    shift += 7;
    if (byte >= 0x80) continue;
    if ((byte & 0x40) != 0 && shift < 32) value |= ~static_cast<std::uintptr_t>(0) << shift;
    return static_cast<std::intptr_t>(value);
  }
}

constexpr std::uint8_t omitted = 0xff; // DW_EH_PE_omit

// The tables of one function (Itanium C++ ABI, "Exception Handling Tables"). Call sites are pairs of numbers here.
struct Tables {
  const std::uint8_t *call_sites;
  const std::uint8_t *actions;
  const std::uint8_t *types_end;

  explicit Tables(const std::uint8_t *at) {
    // The start of landing pads, which is always the start of the function.
    if (*at++ != omitted) std::terminate();
    types_end = nullptr;
    if (*at++ != omitted) {
      const std::uintptr_t length = read_unsigned(at);
      types_end = at + length;
    }
    at++; // the encoding of call sites, which is always unsigned LEB128
    const std::uintptr_t length = read_unsigned(at);
    call_sites = at;
    actions = at + length;
  }

  // Types are counted backwards from the end of their table. A null pointer stands for catch (...).
  const CatchableType *type(std::intptr_t index) const {
    const CatchableType *type;
    std::memcpy(&type, types_end - index * sizeof type, sizeof type);
    return type;
  }

  // The first action of a call site; null when the call site has only cleanups.
  const std::uint8_t *first_action(std::uintptr_t call_site) const {
    const std::uint8_t *at = call_sites;
    for (std::uintptr_t each = 0;; each++) {
      read_unsigned(at); // number of the landing pad
      const std::uintptr_t action = read_unsigned(at);
      if (each == call_site) return action == 0 ? nullptr : actions + action - 1;
    }
  }
};

} // namespace

extern "C" {

// Finds the handler for an exception that a landing pad has stopped.
int _Unwind_CallPersonality(UnwindException *unwind) {
  constexpr int handler_found = 6, continue_unwind = 8;
  LandingPadContext &context = __wasm_lpad_context;
  context.selector = 0;
  Exception *exception = of_unwind(unwind);
  const Tables tables(context.table);
  const std::uint8_t *action = tables.first_action(context.call_site);
  while (action != nullptr) {
    const std::uint8_t *at = action;
    const std::intptr_t index = read_signed(at);
    // 0 is a cleanup. A negative index is an exception specification, which clang leaves out for WebAssembly.
    if (index > 0) {
      const CatchableType *type = tables.type(index);
      void *adjusted = object_of(exception);
      const auto *thrown = static_cast<const CatchableType *>(type_of(exception));
      if (type == nullptr || type->can_catch(thrown, adjusted)) {
        exception->selector = static_cast<int>(index);
        exception->action = action;
        exception->table = context.table;
        exception->adjusted = adjusted;
        context.selector = static_cast<std::uintptr_t>(index);
        return handler_found;
      }
    }
    const std::uint8_t *next = at;
    const std::intptr_t offset = read_signed(next);
    action = offset == 0 ? nullptr : at + offset;
  }
  return continue_unwind;
}

// Each function with a landing pad names this one; _Unwind_CallPersonality does its work.
int __gxx_wasm_personality_v0(int, int, std::uint64_t, void *, void *) { std::abort(); }

[[noreturn]] void __cxa_bad_cast() { throw std::bad_cast(); }
[[noreturn]] void __cxa_bad_typeid() { throw std::bad_typeid(); }
[[noreturn]] void __cxa_throw_bad_array_new_length() { throw std::bad_array_new_length(); }

} // extern "C"

// libc++abi's own operators end the program when memory runs out. These are weak, because a program may have its own.
__attribute__((weak)) void *operator new(std::size_t size) {
  for (;;) {
    if (void *memory = std::malloc(size == 0 ? 1 : size)) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

__attribute__((weak)) void *operator new(std::size_t size, std::align_val_t alignment) {
  const auto wanted = static_cast<std::size_t>(alignment);
  for (;;) {
    void *memory = nullptr;
    const int refused = posix_memalign(&memory, wanted < sizeof(void *) ? sizeof(void *) : wanted, size == 0 ? 1 : size);
    if (refused == 0) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

namespace {

// Whether the sentence is about this exception.
bool names(const char *sentence, const char *name) {
  const std::size_t length = std::strlen(name);
  return std::strncmp(sentence, name, length) == 0 && sentence[length] == ' ';
}

// The linker's symbol for the place where static data ends and the heap begins.
extern "C" char __heap_base;

// A message in the heap is a temporary std::string of the function of libc++'s that throws (std::stoi makes one), and
// that function has no landing pad to destroy it. Any other message is a literal, or is in a string on the stack.
void free_temporary(char *message) {
  if (message >= &__heap_base) std::free(message);
}

// Throws the exception that libc++'s sentence names. For a class in libc++'s own namespaces, whose layout only the
// library knows, it throws the base class in namespace std.
[[noreturn]] void throw_named(const char *sentence, const char *message) {
  if (names(sentence, "bad_alloc")) throw std::bad_alloc();
  if (names(sentence, "bad_array_new_length")) throw std::bad_array_new_length();
  if (names(sentence, "bad_cast")) throw std::bad_cast();
  if (names(sentence, "bad_typeid")) throw std::bad_typeid();
  if (names(sentence, "length_error")) throw std::length_error(message);
  if (names(sentence, "out_of_range")) throw std::out_of_range(message);
  if (names(sentence, "invalid_argument")) throw std::invalid_argument(message);
  if (names(sentence, "domain_error")) throw std::domain_error(message);
  if (names(sentence, "logic_error") || names(sentence, "future_error")) throw std::logic_error(message);
  if (names(sentence, "overflow_error")) throw std::overflow_error(message);
  if (names(sentence, "underflow_error")) throw std::underflow_error(message);
  if (names(sentence, "range_error")) throw std::range_error(message);
  throw std::runtime_error(message);
}

// libc++'s `void std::__libcpp_verbose_abort(char const *format, ...)`.
[[noreturn]] void verbose_abort(const char *format, std::va_list arguments) {
  char sentence[512];
  std::va_list again;
  va_copy(again, arguments);
  std::vsnprintf(sentence, sizeof sentence, format, arguments);
  if (std::strstr(sentence, "was thrown in -fno-exceptions mode") == nullptr) {
    std::fputs(sentence, stderr);
    std::abort();
  }
  if (std::strstr(format, "%i") != nullptr) va_arg(again, int);
  if (std::strstr(format, "%s") != nullptr) free_temporary(va_arg(again, char *));
  // The message is the part in quotation marks, or the whole sentence when it has none.
  char *message = std::strchr(sentence, '"');
  if (message == nullptr) throw_named(sentence, sentence);
  message++;
  if (char *end = std::strrchr(message, '"')) *end = '\0';
  throw_named(sentence, message);
}

} // namespace

// Its name in the namespace of libc++'s second ABI, which all libraries over WASI are built for.
extern "C" [[noreturn]] void heapline_verbose_abort(const char *format, ...) __asm__("_ZNSt3__222__libcpp_verbose_abortEPKcz");
void heapline_verbose_abort(const char *format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  verbose_abort(format, arguments);
}

// Objects of clang 22 and earlier define the tag themselves, weakly. Those of clang 23 expect it from the library.
__asm__(".tagtype __cpp_exception i32\n"
        ".weak __cpp_exception\n"
        ".globl __cpp_exception\n"
        "__cpp_exception:\n");
