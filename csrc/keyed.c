/* keyed.c -- tables of structures by an address: cells, their holders, pools.
 *
 * Entries with the same hash are linked. A table doubles when it has as many entries as heads; when there is no memory
 * for that, it stays as it is and its lists become longer.
 */
#include "platform.h"

#define HL_FIRST_HEADS_BITS 4u

HL_INLINE hl_keyed **hl_table_head(const hl_table *table, u32 address) {
  return &table->heads[address * 0x9e3779b1u >> (32 - table->bits)];
}

HL_COLD void *hl_table_find(const hl_table *table, u32 address) {
  if (!table->count) return 0;
  hl_keyed *entry = *hl_table_head(table, address);
  while (entry && entry->address != address) entry = entry->same_hash;
  return entry;
}

HL_COLD int hl_table_grow(hl_table *table) {
  hl_table larger = {.bits = table->bits ? table->bits + 1 : HL_FIRST_HEADS_BITS, .count = table->count};
  u32 bytes = 4u << larger.bits;
  larger.heads = hl_metadata_allocate(bytes);
  if (!larger.heads) return 0;
  hl_zero(larger.heads, bytes);
  u32 heads = table->bits ? 1u << table->bits : 0;
  for (u32 i = 0; i < heads; i++)
    for (hl_keyed *entry = table->heads[i], *next; entry; entry = next) {
      next = entry->same_hash;
      hl_keyed **head = hl_table_head(&larger, entry->address);
      entry->same_hash = *head;
      *head = entry;
    }
  if (heads) hl_metadata_release(table->heads, heads * 4);
  *table = larger;
  return 1;
}

/* Makes sure that an entry can be added. Returns 0 when there is no memory. */
HL_COLD int hl_table_reserve(hl_table *table) {
  if (table->bits && table->count < 1u << table->bits) return 1;
  return hl_table_grow(table) || table->bits;
}

/* hl_table_reserve() has returned 1. The table has no entry with this address. */
HL_COLD void hl_table_add(hl_table *table, hl_keyed *entry) {
  hl_keyed **head = hl_table_head(table, entry->address);
  entry->same_hash = *head;
  *head = entry;
  table->count++;
}

HL_COLD void hl_table_remove(hl_table *table, hl_keyed *entry) {
  hl_keyed **at = hl_table_head(table, entry->address);
  while (*at != entry) {
    if (HL_UNLIKELY(!*at)) hl_damaged();
    at = &(*at)->same_hash;
  }
  *at = entry->same_hash;
  table->count--;
}
