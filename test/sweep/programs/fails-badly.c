// Right as long as malloc gives memory. What happens when the N-th of its five allocations fails: 1 and 5 are handled well,
// 2 loses the record, 3 is written to through NULL, 4 frees a block twice.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
  char *name, *value, *note;
};

struct record *record_new(const char *name, const char *value) {
  struct record *record = calloc(1, sizeof *record);
  if (!record) return NULL;
  record->name = malloc(strlen(name) + 1);
  if (!record->name) return NULL;
  strcpy(record->name, name);
  record->value = malloc(strlen(value) + 1);
  strcpy(record->value, value);
  record->note = malloc(8);
  if (!record->note) {
    free(record->name);
    free(record->value);
    free(record->name);
    free(record);
    return NULL;
  }
  strcpy(record->note, "note");
  return record;
}

static void record_free(struct record *record) {
  if (!record) return;
  free(record->name);
  free(record->value);
  free(record->note);
  free(record);
}

int make_one(void) {
  struct record *record = record_new("name", "value");
  char *extra = malloc(4);
  int made = record != NULL;
  free(extra);
  record_free(record);
  return made;
}

// Tries again for ever.
int patient(void) {
  char *block;
  do block = malloc(10);
  while (!block);
  free(block);
  return 1;
}

int careful(int count) {
  int made = 0;
  for (int i = 0; i < count; i++) {
    char *block = malloc((size_t)i + 1), *larger = block ? realloc(block, (size_t)i + 100) : NULL;
    if (larger) made++;
    free(larger ? larger : block);
  }
  return made;
}

// The buffers of stdio and the copy of strdup are allocated inside libc.
int files(void) {
  FILE *file = fopen("/out", "w");
  if (!file) return -1;
  char *copy = strdup("text");
  fprintf(file, "%s\n", copy ? copy : "");
  free(copy);
  return fclose(file);
}

int loses_anyway(void) {
  char *volatile lost = malloc(30);
  char *other = malloc(5);
  lost = NULL;
  free(other);
  return lost != NULL;
}

int wrong(void) {
  char *block = malloc(6);
  int result = block ? 1 : 7;
  free(block);
  return result;
}

int main(int argc, char **argv) { return argc > 1 ? !patient() : !make_one(); }
