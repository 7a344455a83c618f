/* store.c -- the C side of the example service: notes kept by title, in a hash table.
 *
 * One thing is wrong here, on purpose: when a note is saved under a title that exists, its old text is lost
 * (line 50 overwrites the only pointer to it). Compile with -DFIXED for the version without the leak.
 */
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256 };

struct note {
  struct note *next;
  char *title;
  char *text;
};

static struct note *table[BUCKETS];

static unsigned hash(const char *title) {
  unsigned value = 2166136261u;
  for (; *title; title++) value = (value ^ (unsigned char)*title) * 16777619u;
  return value % BUCKETS;
}

static char *copy(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(malloc(size), text, size);
}

static struct note *find(const char *title) {
  for (struct note *note = table[hash(title)]; note; note = note->next) {
    if (strcmp(note->title, title) == 0) return note;
  }
  return NULL;
}

/* Saves a note; returns the number of bytes of its text. Keeps copies of both strings. */
int save_note(const char *title, const char *text) {
  struct note *note = find(title);
  if (note == NULL) {
    note = malloc(sizeof *note);
    note->title = copy(title);
    note->text = NULL;
    note->next = table[hash(title)];
    table[hash(title)] = note;
  }
#ifdef FIXED
  free(note->text);
#endif
  note->text = copy(text); /* without the line above, the old text is lost here */
  return (int)strlen(text);
}

/* The text of a note; NULL when no note has this title. The store keeps ownership. */
const char *read_note(const char *title) {
  struct note *note = find(title);
  return note ? note->text : NULL;
}
