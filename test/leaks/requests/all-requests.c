/* Each request once, and each mistake. */
#include "pool.h"

static void *always; /* because Valgrind keeps its last counts when there are no blocks at all */
static void *kept;
static char memory[1024];
static char anchor, other;

/* Requests leave their arguments on the stack, so each is made in a function of its own. */
#define REQUEST(name, request) \
  static NOINLINE void name(void) { request; }

#define AT(offset) ((char *)~(uintptr_t)hidden + (offset))
static uintptr_t hidden; /* the complement of a block's address, which is no pointer to it */

REQUEST(take_block, hidden = ~(uintptr_t)malloc(1000))
REQUEST(drop_block, free(AT(0)))
REQUEST(keep_block, kept = AT(0))
REQUEST(create, VALGRIND_CREATE_MEMPOOL(&anchor, 8, 0))
REQUEST(hand_out, for (int i = 0; i < 4; i++) VALGRIND_MEMPOOL_ALLOC(&anchor, AT(16 + 128 * i), 64))
/* Valgrind shortens cells wrongly, so none is shortened. */
REQUEST(trim, VALGRIND_MEMPOOL_TRIM(&anchor, AT(16), 200))
REQUEST(change, VALGRIND_MEMPOOL_CHANGE(&anchor, AT(144), AT(600), 100))
REQUEST(keep_changed, kept = AT(600))
REQUEST(give_back, VALGRIND_MEMPOOL_FREE(&anchor, AT(600)))
REQUEST(move, VALGRIND_MOVE_MEMPOOL(&anchor, &other))
REQUEST(destroy, VALGRIND_DESTROY_MEMPOOL(&other))
REQUEST(use_destroyed, VALGRIND_MEMPOOL_ALLOC(&other, AT(0), 10); VALGRIND_MEMPOOL_FREE(&other, AT(0)))
REQUEST(single, VALGRIND_MALLOCLIKE_BLOCK(AT(100), 50, 4, 1))
REQUEST(keep_single, kept = AT(100))
REQUEST(keep_inside, kept = AT(120))
REQUEST(resize, VALGRIND_RESIZEINPLACE_BLOCK(AT(100), 50, 80, 4))
REQUEST(free_single, VALGRIND_FREELIKE_BLOCK(AT(100), 4))
REQUEST(free_no_block, VALGRIND_FREELIKE_BLOCK(memory + 8, 4))
REQUEST(in_static_memory, VALGRIND_MALLOCLIKE_BLOCK(memory + 256, 64, 0, 0))
REQUEST(keep_static, kept = memory + 256)
REQUEST(free_static, VALGRIND_FREELIKE_BLOCK(memory + 256, 0))
REQUEST(forget, kept = NULL)
REQUEST(
    exists, printf("exists %u %u %u\n", (unsigned)VALGRIND_MEMPOOL_EXISTS(&anchor),
                   (unsigned)VALGRIND_MEMPOOL_EXISTS(&other), (unsigned)VALGRIND_MEMPOOL_EXISTS(memory)))

static const struct {
  const char *title;
  void (*request)(void);
} steps[] = {
    {"take_block", take_block},
    {"create", create},
    {"hand_out", hand_out},
    {"exists", exists},
    {"trim", trim},
    {"change", change},
    {"keep_changed", keep_changed},
    {"give_back", give_back},
    {"forget", forget},
    {"move", move},
    {"exists", exists},
    {"destroy", destroy},
    {"exists", exists},
    {"destroy again", destroy},
    {"use_destroyed", use_destroyed},
    {"keep_block", keep_block},
    {"single", single},
    {"keep_single", keep_single},
    {"keep_inside", keep_inside},
    {"resize", resize},
    {"forget", forget},
    {"free_single", free_single},
    {"free_single again", free_single},
    {"free_no_block", free_no_block},
    {"in_static_memory", in_static_memory},
    {"keep_static", keep_static},
    {"forget", forget},
    {"free_static", free_static},
    {"single again", single},
    {"free_single", free_single},
    {"drop_block", drop_block},
};

int main(void) {
  setvbuf(stdout, output, _IOFBF, sizeof output);
  always = malloc(8);
  printf("running %d\n", RUNNING_ON_VALGRIND > 0);
  for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
    steps[i].request();
    count(steps[i].title);
  }
  return 0;
}
