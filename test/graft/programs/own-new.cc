// A program of C++ whose operator new has an allocator of its own, which takes its memory from memory.grow, beside malloc,
// which does so as well. The allocator counts what it has given out.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline))
#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace std {
struct nothrow_t {};
enum class align_val_t : size_t {};
}  // namespace std

namespace {
struct Header {
  Header *next;
  uint32_t order;
  uint32_t size;
  uint32_t unused;
};

Header *unused[32];
char *room, *end;
unsigned bytes, blocks;

APART void *take(size_t size) {
  uint32_t order = 5;
  while ((size_t{1} << order) < size + sizeof(Header)) order++;
  Header *header = unused[order];
  if (header) {
    unused[order] = header->next;
  } else {
    size_t whole = size_t{1} << order;
    if (static_cast<size_t>(end - room) < whole) {
      size_t pages = whole / 65536 + 1;
      size_t first = __builtin_wasm_memory_grow(0, pages);
      if (first == static_cast<size_t>(-1)) __builtin_trap();
      room = reinterpret_cast<char *>(first * 65536);
      end = room + pages * 65536;
    }
    header = reinterpret_cast<Header *>(room);
    room += whole;
  }
  header->order = order;
  header->size = size;
  bytes += size;
  blocks++;
  return header + 1;
}

APART void give(void *block) {
  if (!block) return;
  Header *header = static_cast<Header *>(block) - 1;
  bytes -= header->size;
  blocks--;
  header->next = unused[header->order];
  unused[header->order] = header;
}

struct Node {
  Node *next;
  char text[20];
};

void *slots[100];
Node *list;
}  // namespace

APART void *operator new(size_t size) { return take(size); }
APART void *operator new[](size_t size) { return take(size); }
APART void *operator new(size_t size, const std::nothrow_t &) noexcept { return take(size); }
APART void operator delete(void *block) noexcept { give(block); }
APART void operator delete[](void *block) noexcept { give(block); }
APART void operator delete(void *block, size_t) noexcept { give(block); }

EXPORT(make) int make(int slot, int way, unsigned size) {
  std::nothrow_t nothrow;
  switch (way) {
    case 0: slots[slot] = new char[size]; break;
    case 1: slots[slot] = ::operator new(size); break;
    case 2: slots[slot] = ::operator new(size, nothrow); break;
    default: slots[slot] = malloc(size);
  }
  memset(slots[slot], slot, size);
  return 1;
}

EXPORT(drop) void drop(int slot, int way, unsigned size) {
  if (way == 0) {
    delete[] static_cast<char *>(slots[slot]);
  } else if (way == 1) {
    ::operator delete(slots[slot], size);
  } else if (way == 2) {
    ::operator delete(slots[slot]);
  } else {
    free(slots[slot]);
  }
  slots[slot] = nullptr;
}

EXPORT(address) void *address(int slot) { return slots[slot]; }
EXPORT(grow) void grow(int count) {
  for (int i = 0; i < count; i++) list = new Node{list, "kept"};
}
EXPORT(lose) void lose(void) {
  Node *volatile lost = new Node{new Node{nullptr, "inner"}, "outer"};
  lost = nullptr;
}
EXPORT(counted_bytes) unsigned counted_bytes(void) { return bytes; }
EXPORT(counted_blocks) unsigned counted_blocks(void) { return blocks; }
