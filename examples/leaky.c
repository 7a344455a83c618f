/* leaky.c -- a tiny request handler with two leaks, for a first look at Heapline.
 *
 * Sessions live in a table and are dropped when they expire. Two things go wrong: a session's user name is
 * never freed with it (line 44 allocates it), and a request that is refused returns early without freeing its
 * parsed header (line 62). Everything else is released before main returns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 64, REQUESTS = 1000 };

struct header {
  char *name;
  char *value;
};

struct session {
  char *user;
  unsigned char *buffer;
  size_t size;
};

static struct session *table[SESSIONS];

static char *copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *result = malloc(size);
  return memcpy(result, text, size);
}

static void session_close(struct session *session) {
  free(session->buffer);
  free(session); /* session->user is lost here */
}

static struct session *session_open(int id) {
  char name[32];
  struct session *session = malloc(sizeof *session);
  snprintf(name, sizeof name, "user-%d@example.org", id);
  session->size = 256 + (size_t)(id % 7) * 64;
  session->buffer = malloc(session->size);

  session->user = copy(name);
  return session;
}

static void header_free(struct header *header) {
  free(header->name);
  free(header->value);
  free(header);
}

static struct header *header_parse(const char *line) {
  struct header *header = malloc(sizeof *header);
  const char *colon = strchr(line, ':');
  header->name = malloc((size_t)(colon - line) + 1);
  memcpy(header->name, line, (size_t)(colon - line));
  header->name[colon - line] = '\0';

  /* Cookies are long, so the memory that a refused request forgets shows up here. */
  header->value = calloc(1, 4096);
  strncpy(header->value, colon + 1, 4095);
  return header;
}

static int handle(int request) {
  struct header *header = header_parse("Cookie: id=1; theme=dark");
  if (request % 100 == 99) return 403; /* header is lost here */

  int slot = request % SESSIONS;
  if (table[slot]) session_close(table[slot]);
  table[slot] = session_open(request);

  header_free(header);
  return 200;
}

int main(void) {
  int refused = 0;
  for (int request = 0; request < REQUESTS; request++) {
    if (handle(request) == 403) refused++;
  }
  for (int slot = 0; slot < SESSIONS; slot++) {
    if (table[slot]) session_close(table[slot]);
    table[slot] = NULL;
  }
  printf("%d requests, %d refused\n", REQUESTS, refused);
  return 0;
}
