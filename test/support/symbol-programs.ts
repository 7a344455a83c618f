// Small programs whose compiled forms the symbol tests examine. They include no headers, so that every
// compiler accepts them. They are written to a temporary directory, because compilers read files.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Program } from './symbol-modules.ts';

const DIRECTORY = fileURLToPath(new URL('../../.cache/symbols/sources/', import.meta.url));

/** Writes sources, and makes a program of those that are not headers. */
export function program(name: string, files: Record<string, string>, extra: Partial<Program> = {}): Program {
  const directory = join(DIRECTORY, name);
  mkdirSync(directory, { recursive: true });
  const sources: string[] = [];
  for (const [file, text] of Object.entries(files)) {
    const path = join(directory, file);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    if (!file.endsWith('.h')) sources.push(path);
  }
  return { name, sources, ...extra };
}

const ALLOCATION = `
typedef __SIZE_TYPE__ size_t;
#ifdef __cplusplus
extern "C" {
#endif
void *malloc(size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
#ifdef __cplusplus
}
#endif
`;

/** Inlined calls three deep, in loops, from a header in a directory of its own, and code that nothing calls. */
export const nestedInlines = program('nested-inlines', {
  'main.c': `${ALLOCATION}
#include "include/buffer.h"
struct buffer kept;
static inline __attribute__((always_inline)) int *leaf(int n) { return malloc(n * 4); }
static inline __attribute__((always_inline)) int *middle(int n) {
  int *p = leaf(n);
  p[0] = n;
  return p;
}
int *outer(int n) {
  int *a = middle(n);
  for (int i = 0; i < n; i++) {
    int *q = middle(i); free(q); q = leaf(i + 1); free(q);
  }
  struct buffer b = {0};
  buffer_append(&b, n);
  buffer_append(&b, *a);
  kept = b;
  return a;
}
__attribute__((noinline)) static int recurse(int n) { return n < 2 ? *outer(n) : recurse(n - 1) + recurse(n - 2); }
int entry(int n) { return recurse(n); }
int (*table[2])(int) = { entry, recurse };
int dispatch(int which, int n) { return table[which & 1](n); }
`,
  'include/buffer.h': `#pragma once
struct buffer { char *bytes; int length; };
static inline __attribute__((always_inline)) void buffer_grow(struct buffer *b, int by) {
  b->bytes = realloc(b->bytes, b->length += by);
}
static inline __attribute__((always_inline)) void buffer_append(struct buffer *b, int byte) {
  buffer_grow(b, 1);
  b->bytes[b->length - 1] = (char)byte;
}
`,
  'unused.c': `${ALLOCATION}
void *never_called(int n) { return malloc(n); }
static int helper(int n) { return n * 3; }
int also_never_called(int n) { free(malloc(helper(n))); return helper(n); }
`,
});

/** C++: namespaces, members defined out of class, templates, lambdas, constructors of globals. */
export const shapes = program('shapes', {
  'shapes.cpp': `${ALLOCATION}
namespace outer { namespace inner {
struct Node {
  int value; Node *next;
  Node(int v); ~Node();
  int sum() const;
  static Node *make(int v);
};
inline __attribute__((always_inline)) Node *raw() { return static_cast<Node *>(malloc(sizeof(Node))); }
Node::Node(int v) : value(v), next(nullptr) { free(malloc(v)); }
Node::~Node() { free(next); }
Node *Node::make(int v) {
  Node *n = raw();
  n->value = v;
  n->next = v > 0 ? make(v - 1) : nullptr;
  return n;
}
int Node::sum() const { return value + (next ? next->sum() : 0); }
} }
template <typename T> struct Box {
  T *items; int count;
  __attribute__((noinline)) void push(T item) {
    items = (T *)realloc(items, sizeof(T) * ++count);
    items[count - 1] = item;
  }
  inline void twice(T item) { push(item); push(item); }
};
namespace {
struct Hidden {
  void *operator()(int n) {
    auto allocate = [n](int m) { return malloc(n * m); };
    return allocate(n);
  }
};
}
static Box<int> ints;
static Box<outer::inner::Node *> nodes;
extern "C" int drive(int n) {
  Hidden hidden;
  free(hidden(n));
  ints.twice(n);
  nodes.twice(outer::inner::Node::make(n));
  outer::inner::Node local(n);
  return local.sum();
}
struct Global { void *p; Global() : p(malloc(3)) {} } global_object;
`,
});

/** A directory with a <setjmp.h> for sysroots that have none. The tests examine the code and do not run it. */
export function setjmpHeader(): string {
  const { sources } = program('setjmp', {
    'setjmp.h': `#pragma once
typedef int jmp_buf[8];
int setjmp(jmp_buf) __attribute__((returns_twice));
void longjmp(jmp_buf, int) __attribute__((noreturn));
`,
    'directory.c': '',
  });
  return dirname(sources[0]!);
}
