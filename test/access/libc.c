/* libc.c -- uses the functions of libc as the standard allows, with blocks that are exactly as large as they have to be:
 * every string ends at the end of its block, and every range fills one. No access here is wrong. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static unsigned long sum;
#define USE(value) (sum = sum * 31 + (unsigned long)(value))

/* A copy in a block without a byte too many. */
static char *exact(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(malloc(size), text, size);
}
static char *bytes(size_t size, int value) { return memset(malloc(size), value, size); }
static int by_byte(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void strings(size_t length) {
  char *text = bytes(length + 1, 'a'), *other, *room;
  text[length] = 0;
  USE(strlen(text)), USE(strnlen(text, length)), USE(strnlen(text, length + 1));
  other = strdup(text), USE(strcmp(text, other)), USE(strncmp(text, other, length)), USE(strcasecmp(text, other));
  USE(strncasecmp(text, other, length + 1)), USE(strcoll(text, other)), free(other);
  other = strndup(text, length / 2), USE(strlen(other)), free(other);
  USE(strchr(text, 'b') == 0), USE(strrchr(text, 'a') != 0), USE(strchr(text, 0) - text);
  USE(memchr(text, 'b', length + 1) == 0), USE(memchr(text, 0, length + 100) != 0);
  USE(strspn(text, "a")), USE(strcspn(text, "b")), USE(strpbrk(text, "xyz") == 0);
  room = malloc(length + 1), strcpy(room, text), USE(*room), free(room);
  room = malloc(length + 1), USE(stpcpy(room, text) - room), free(room);
  room = malloc(length + 9), strncpy(room, text, length + 9), USE(room[length + 8]), free(room);
  if (length) room = malloc(length), strncpy(room, text, length), USE(memcmp(room, text, length)), free(room);
  room = malloc(2 * length + 1), strcpy(room, text), strcat(room, text), USE(strlen(room)), free(room);
  room = malloc(length + 4), strcpy(room, text), strncat(room, "bcd", 3), USE(strlen(room));
  USE(strstr(room, "bcd") - room), USE(memmem(room, length + 3, "cd", 2) != 0), free(room);
  room = malloc(length + 1), USE(strlcpy(room, text, 1000)), USE(memrchr(room, 'a', length + 1) != 0), free(room);
  room = malloc(length + 1), USE(strlcpy(room, "", 1000) + strlcat(room, text, length + 1)), free(room);
  if (length) room = malloc(length), USE(strlcpy(room, text, length)), USE(strlen(room)), free(room);
  room = malloc(length + 1), USE(memccpy(room, text, 0, 1000) != 0), free(room);
  if (length) room = malloc(length), USE(memccpy(room, text, 0, length) == 0), free(room);
  if (length) room = malloc(length), memcpy(room, text, length), memmove(room, room + 1, length - 1), USE(*room), free(room);
  room = malloc(length + 1), USE(snprintf(room, length + 1, "%s", text)), free(room);
  room = malloc(length + 3), USE(sprintf(room, "<%s>", text)), free(room);
  USE(snprintf(0, 0, "%.*s", (int)length, text));
  /* Bounded functions may be given blocks without a zero byte. */
  if (length) {
    room = bytes(length, 'a'), USE(strnlen(room, length)), USE(strncmp(room, text, length));
    other = strndup(room, length), USE(strlen(other)), free(other);
    USE(snprintf(0, 0, "%.*s", (int)length, room)), USE(memchr(room, 'z', length) == 0);
    USE(memcmp(room, text, length)), free(room);
  }
  free(text);
}

static void tokens(void) {
  char *text = exact("one, two;three"), *rest, *word = strtok_r(text, ", ;", &rest);
  for (; word; word = strtok_r(0, ", ;", &rest)) USE(strlen(word));
  free(text), text = exact("a:b::c"), rest = text;
  while ((word = strsep(&rest, ":"))) USE(*word);
  free(text), text = exact("x y");
  for (word = strtok(text, " "); word; word = strtok(0, " ")) USE(*word);
  free(text);
}

static void numbers(void) {
  static const char *const texts[] = {"0", "-12", "0x7f", "077", "3.5e3", "inf", "nan", "1e-400", "99999999999999999999"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *text = exact(texts[i]), *end;
    USE(atoi(text)), USE(atol(text)), USE(atoll(text)), USE(atof(text) > 1);
    USE(strtol(text, &end, 0)), USE(end - text), USE(strtoull(text, &end, 10)), USE(end - text);
    USE(strtod(text, &end) > 1), USE(end - text), USE(strtof(text, 0) > 1);
    int value = 0;
    USE(sscanf(text, "%d", &value)), USE(value), free(text);
  }
  char *room = malloc(64);
  USE(sprintf(room, "%d %u %lx %lld %c %5.2f %g %e %p %%", -1, 2u, 3ul, 4ll, 'c', 1.5, 1e100, 2e-5, (void *)0)), free(room);
}

static void arrays(void) {
  for (size_t count = 0; count < 70; count++) {
    char *array = malloc(count);
    for (size_t i = 0; i < count; i++) array[i] = (char)(i * 37 % 64);
    qsort(array, count, 1, by_byte);
    char key = 5;
    USE(bsearch(&key, array, count, 1, by_byte) != 0), free(array);
    char **texts = malloc(count * sizeof *texts);
    for (size_t i = 0; i < count; i++) texts[i] = bytes(2, 0), texts[i][0] = (char)('a' + i * 7 % 26);
    qsort(texts, count, sizeof *texts, by_text);
    for (size_t i = 0; i < count; i++) USE(*texts[i]), free(texts[i]);
    free(texts);
  }
}

static void streams(void) {
  FILE *file = fopen("/file", "w+");
  char *line = exact("a line of some length\n"), *room = 0, small[8];
  size_t capacity = 0;
  for (int i = 0; i < 200; i++) fputs(line, file), fprintf(file, "%d\n", i), fputc('c', file), fwrite(line, 1, strlen(line), file);
  fflush(file), rewind(file);
  for (int i = 0; i < 20 && getline(&room, &capacity, file) >= 0; i++) USE(strlen(room));
  free(room), room = malloc(8);
  USE(fgets(room, 8, file) != 0), USE(fread(room, 1, 8, file)), USE(fgetc(file)), USE(ungetc('x', file)), USE(getc(file));
  USE(fscanf(file, "%7s", room)), USE(fseek(file, 3, SEEK_SET)), USE(ftell(file)), USE(fread(small, 2, 4, file));
  free(room), free(line), fclose(file);
  file = fmemopen(0, 10, "w+"), fputs("memory", file), fclose(file);
  file = open_memstream(&room, &capacity), fprintf(file, "%0*d", 300, 7), fclose(file), USE(capacity), free(room);
  USE(remove("/file")), printf("%s", ""), puts("streams");
  room = malloc(4), setvbuf(stdout, room, _IOFBF, 4), printf("%d%s\n", 1, "two"), fflush(stdout);
  setvbuf(stdout, 0, _IONBF, 0), free(room);
}

static void wide(void) {
  wchar_t *text = malloc(4 * sizeof *text), *other = malloc(4 * sizeof *other);
  wcscpy(text, L"abc"), wcscpy(other, text), USE(wcslen(text)), USE(wcscmp(text, other)), USE(wmemcmp(text, other, 4));
  USE(wmemcpy(other, text, 4) == other), USE(wmemchr(text, L'z', 4) == 0), USE(wcsncpy(other, text, 4) == other);
  USE(wcsnlen(text, 3)), USE(wcsstr(text, L"bc") != 0), USE(swprintf(other, 4, L"%ls", L"xyz"));
  char *narrow = malloc(4);
  USE(wcstombs(narrow, text, 4)), USE(mbstowcs(other, narrow, 4)), USE(wcstol(text, 0, 16));
  free(narrow), free(text), free(other);
}

static void rest(void) {
  char *room = malloc(11);
  time_t start = 1000000000;
  struct tm *when = gmtime(&start);
  USE(strftime(room, 11, "%Y-%m-%d", when)), free(room);
  USE(mktime(when)), USE(asctime(when) != 0);
  setenv("NAME", "value", 1), USE(strlen(getenv("NAME"))), unsetenv("NAME"), USE(getenv("NAME") == 0);
  room = malloc(64), USE(getcwd(room, 64) != 0), free(room);
  USE(strlen(strerror(ENOENT))), srand(1), USE(rand() >= 0);
  room = realloc(0, 5), memcpy(room, "word", 5), room = realloc(room, 5000), USE(strlen(room)), room = realloc(room, 5);
  USE(strlen(room)), free(room), free(calloc(0, 8)), free(malloc(0)), free(aligned_alloc(32, 96));
  void *aligned = 0;
  USE(posix_memalign(&aligned, 64, 100)), memset(aligned, 1, 100), free(aligned);
  double whole;
  USE(modf(2.5, &whole) > 0), USE(isalpha('x') != 0), USE(toupper('x'));
}

int main(void) {
  for (size_t length = 0; length < 80; length++) strings(length);
  tokens(), numbers(), arrays(), streams(), wide(), rest();
  printf("%lu\n", sum);
  return 0;
}
