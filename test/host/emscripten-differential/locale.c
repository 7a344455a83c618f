#include <ctype.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

int main(void) {
  printf("default %s\n", setlocale(LC_ALL, NULL));
  printf("user's %s\n", setlocale(LC_ALL, ""));
  const char *german = setlocale(LC_ALL, "de_DE.UTF-8");
  printf("german %s\n", german == NULL ? "(none)" : german);
  printf("point %s\n", localeconv()->decimal_point);
  printf("codeset %s\n", nl_langinfo(CODESET));
  printf("collate %d\n", strcoll("a", "b") < 0);
  wchar_t wide[20];
  const size_t length = mbstowcs(wide, "h\xc3\xa4lft\xe2\x82\xac", 20);
  printf("wide %d %ls\n", (int)length, wide);
  printf("upper %lc %d\n", towupper(L'\u00e4'), iswalpha(L'\u00e4') != 0);
  printf("bytes %d\n", (int)wcstombs(NULL, wide, 0));
  locale_t other = newlocale(LC_ALL_MASK, "C", NULL);
  printf("newlocale %d\n", other != NULL);
  freelocale(other);
  return 0;
}
