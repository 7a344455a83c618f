// Dates and time zones.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void show(const char *name, const struct tm *tm) {
  char text[80];
  strftime(text, sizeof text, "%a %d %b %Y %H:%M:%S week %U day %j", tm);
  printf("%s %s\n", name, text);
}

int main(void) {
  const time_t moments[] = {0, 951782400, 1700000000, 2147483647};
  for (int i = 0; i < 4; i++) {
    show("gmtime", gmtime(&moments[i]));
    show("localtime", localtime(&moments[i]));
    struct tm local = *localtime(&moments[i]);
    printf("mktime %s\n", mktime(&local) == moments[i] ? "goes back" : "does not go back");
  }
  struct tm overflowing = {.tm_year = 100, .tm_mon = 14, .tm_mday = -3, .tm_hour = 30};
  const time_t normal = timegm(&overflowing);
  show("normalised", gmtime(&normal));
  printf("difftime %.1f\n", difftime(10, 4));
  printf("asctime %s", asctime(gmtime(&moments[1])));
  struct tm parsed = {0};
  const char *rest = strptime("2024-02-29 12:34:56", "%Y-%m-%d %H:%M:%S", &parsed);
  printf("strptime %s %d\n", rest == NULL ? "fails" : "reads", parsed.tm_mday);
  tzset();
  printf("zone %d %ld %d\n", tzname[0][0] != 0, timezone, daylight);
  return 0;
}
