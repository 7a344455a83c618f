// Ways to free a block in C++, right and wrong ones. The wrong ones say what is expected of reports.

/** What a case does with its heap. */
export interface MismatchCase {
  readonly name: string;
  readonly body: string;
  /** What allocated the block and what frees it, when they do not fit together. */
  readonly expected: readonly [allocatedBy: string, freedBy: string] | null;
  /** The wrong size that is given to delete, when it is the size that does not fit. */
  readonly size?: number;
}

const bad = (name: string, body: string, allocatedBy: string, freedBy: string): MismatchCase => ({
  name,
  body,
  expected: [allocatedBy, freedBy],
});
const wrongSize = (name: string, body: string, array: '' | '[]', size: number): MismatchCase => ({
  ...bad(name, body, `operator new${array}`, `operator delete${array}`),
  size,
});
const good = (name: string, body: string): MismatchCase => ({ name, body, expected: null });

export const mismatchCases: readonly MismatchCase[] = [
  bad('new_free', 'int *p = new int; hide(p); free(p);', 'operator new', 'free'),
  bad('array_free', 'char *p = new char[40]; hide(p); free(p);', 'operator new[]', 'free'),
  bad('malloc_delete', 'int *p = (int *)malloc(4); hide(p); delete p;', 'malloc', 'operator delete'),
  bad(
    'calloc_delete_array',
    'char *p = (char *)calloc(4, 4); hide(p); delete[] p;',
    'malloc',
    'operator delete[]',
  ),
  bad('strdup_delete', 'char *p = strdup("text"); hide(p); delete p;', 'malloc', 'operator delete'),
  bad(
    'realloc_delete',
    'char *p = (char *)realloc(nullptr, 9); hide(p); delete[] p;',
    'malloc',
    'operator delete[]',
  ),
  bad('new_delete_array', 'int *p = new int; hide(p); delete[] p;', 'operator new', 'operator delete[]'),
  bad('array_delete', 'int *p = new int[3]; hide(p); delete p;', 'operator new[]', 'operator delete'),
  bad('counted_free', 'Counted *p = new Counted; hide(p); free(p);', 'operator new', 'free'),
  bad('nothrow_free', 'int *p = new (std::nothrow) int; hide(p); free(p);', 'operator new', 'free'),
  bad(
    'nothrow_array_delete',
    'int *p = new (std::nothrow) int[3]; hide(p); delete p;',
    'operator new[]',
    'operator delete',
  ),
  bad('aligned_free', 'Aligned *p = new Aligned; hide(p); free(p);', 'operator new', 'free'),
  bad(
    'aligned_array_delete',
    'Aligned *p = new Aligned[2]; hide(p); ::operator delete(p, std::align_val_t(64));',
    'operator new[]',
    'operator delete',
  ),
  bad(
    'aligned_alloc_delete',
    'void *p = aligned_alloc(16, 32); hide(p); ::operator delete(p);',
    'malloc',
    'operator delete',
  ),
  bad(
    'vector_free',
    'std::vector<int> v(9); hide(v.data()); int *p = v.data(); new (&v) std::vector<int>; free(p);',
    'operator new',
    'free',
  ),
  bad(
    'unique_array',
    'std::unique_ptr<int> p(new int[3]); hide(p.get());',
    'operator new[]',
    'operator delete',
  ),
  bad(
    'new_realloc',
    'char *p = new char; hide(p); p = (char *)realloc(p, 90); hide(p); free(p);',
    'operator new',
    'realloc',
  ),
  wrongSize('without_virtual_destructor', 'Plain *p = new Extended; hide(p); delete p;', '', 4),
  wrongSize('sized_small', 'void *p = ::operator new(9); hide(p); ::operator delete(p, 8);', '', 8),
  wrongSize('sized_large', 'void *p = ::operator new(9); hide(p); ::operator delete(p, 90);', '', 90),
  wrongSize('sized_array', 'void *p = ::operator new[](9); hide(p); ::operator delete[](p, 8);', '[]', 8),
  wrongSize(
    'sized_aligned',
    'void *p = ::operator new(100, std::align_val_t(64)); hide(p); ::operator delete(p, 200, std::align_val_t(64));',
    '',
    200,
  ),
  bad(
    'sized_array_delete',
    'void *p = ::operator new[](9); hide(p); ::operator delete(p, 8);',
    'operator new[]',
    'operator delete',
  ),
  good('sized_none', 'void *p = ::operator new(9); hide(p); ::operator delete(p, (size_t)0);'),
  good('sized_empty', 'void *p = ::operator new(0); hide(p); ::operator delete(p, 1);'),
  good(
    'sized_aligned_well',
    'void *p = ::operator new(100, std::align_val_t(64)); hide(p); ::operator delete(p, 100, std::align_val_t(64));',
  ),
  good(
    'sized_object',
    'Extended *p = new Extended; hide(p); delete p; p = new Extended[3]; hide(p); delete[] p;',
  ),
  good('new_delete', 'int *p = new int; hide(p); delete p;'),
  good('array_delete_array', 'int *p = new int[3]; hide(p); delete[] p;'),
  good('counted', 'Counted *p = new Counted[3]; hide(p); delete[] p; p = new Counted; hide(p); delete p;'),
  good('derived', 'Base *p = new Derived; hide(p); delete p;'),
  good(
    'nothrow',
    'int *p = new (std::nothrow) int; hide(p); delete p; p = new (std::nothrow) int[3]; hide(p); delete[] p;',
  ),
  good('aligned', 'Aligned *p = new Aligned; hide(p); delete p; p = new Aligned[3]; hide(p); delete[] p;'),
  good(
    'direct',
    'void *p = ::operator new(9); hide(p); ::operator delete(p); p = ::operator new[](9); hide(p); ::operator delete[](p);',
  ),
  good('sized', 'void *p = ::operator new(9); hide(p); ::operator delete(p, 9);'),
  good(
    'vector',
    'std::vector<std::string> v; for (int i = 0; i < 9; i++) v.push_back(std::string(40, (char)i)); hide(v.data());',
  ),
  good(
    'smart',
    'auto p = std::make_shared<Derived>(); auto q = std::make_unique<int[]>(9); hide(p.get()), hide(q.get());',
  ),
  good(
    'temporary',
    'auto p = std::get_temporary_buffer<int>(9); hide(p.first); std::return_temporary_buffer(p.first);',
  ),
  good(
    'placement',
    'void *m = malloc(sizeof(Derived)); Derived *p = new (m) Derived; hide(p); p->~Derived(); free(m);',
  ),
  good('own_operators', 'Own *p = new Own; hide(p); delete p; p = new Own; hide(p); free(p);'),
  good('arena', 'Arena a; int *p = new (a) int; hide(p); free(p);'),
  good(
    'plain',
    'void *p = malloc(9); hide(p); p = realloc(p, 90); hide(p); free(p); free(strdup("text")); free(aligned_alloc(16, 32));',
  ),
];

/** The functions in C++17. @param main whether there is a main() that runs the function its argument names */
export function mismatchSource(main: boolean): string {
  const functions = mismatchCases.map(
    ({ name, body }) => `extern "C" __attribute__((noinline)) void ${name}() { ${body} }`,
  );
  const dispatch = mismatchCases.map(({ name }) => `  if (!strcmp(argv[1], "${name}")) ${name}();`);
  return `#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>
static void hide(void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }
struct Counted { int value = 1; ~Counted() { hide(this); } };
struct alignas(64) Aligned { char bytes[64]; };
struct Base { virtual ~Base() {} };
struct Derived : Base { std::string text = std::string(40, 'x'); };
struct Plain { int a; ~Plain() { hide(this); } };
struct Extended : Plain { int b[10]; ~Extended() { hide(b); } };
struct Own {
  char bytes[20];
  static void *operator new(size_t size) { return malloc(size); }
  static void operator delete(void *p) { free(p); }
};
struct Arena {};
void *operator new(size_t size, Arena &) { return malloc(size); }
${functions.join('\n')}
${main ? `int main(int, char **argv) {\n${dispatch.join('\n')}\n}` : ''}
`;
}

/** A program with operators of its own, which fit to malloc() and free(). */
export const REPLACED = `#include <cstdlib>
#include <new>
static void hide(void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }
void *operator new(size_t size) { return malloc(size); }
void *operator new[](size_t size) { return malloc(size); }
void operator delete(void *p) noexcept { free(p); }
void operator delete[](void *p) noexcept { free(p); }
void operator delete(void *p, size_t) noexcept { free(p); }
void operator delete[](void *p, size_t) noexcept { free(p); }
extern "C" void sizes() { int *p = new int; hide(p); ::operator delete(p, 9); }
extern "C" void pairs() { int *p = new int; hide(p); delete p; p = new int[3]; hide(p); delete[] p; }
extern "C" void crossed() { int *p = new int; hide(p); free(p); p = (int *)malloc(4); hide(p); delete p; }
`;

/** A small program with right and wrong pairs. */
export const SMALL = `#include <cstdlib>
#include <new>
static void hide(void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }
struct alignas(64) Aligned { char bytes[64]; };
struct Counted { int value = 1; ~Counted() { hide(this); } };
extern "C" void fits() {
  int *p = new (std::nothrow) int; hide(p); delete p;
  p = new (std::nothrow) int[3]; hide(p); delete[] p;
  p = new int[3]; hide(p); delete[] p;
  Aligned *q = new Aligned[2]; hide(q); delete[] q;
  q = new Aligned; hide(q); delete q;
  Counted *r = new Counted[2]; hide(r); delete[] r;
}
extern "C" void twice() {
  Counted *p = new Counted[2]; hide(p); delete[] p;
  __asm__ volatile("" : "+r"(p)); delete[] p;
}
extern "C" void crossed(int times) {
  for (int i = 0; i < times; i++) { int *p = new int[3]; hide(p); delete p; p = new int; hide(p); free(p); }
}
`;
