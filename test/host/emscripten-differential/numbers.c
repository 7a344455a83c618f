// Numbers as printf writes them and strtod reads them.
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  const double some[] = {0, -0.0, 1, 1.0 / 3, 1e100, -1e-100, DBL_MAX, DBL_MIN, 123456789.125, NAN, INFINITY};
  for (int i = 0; i < (int)(sizeof some / sizeof *some); i++) {
    printf("%f %e %g %a %.17g %10.3f|%-12.4g|\n", some[i], some[i], some[i], some[i], some[i], some[i], some[i]);
  }
  printf("%Lf %.20Lg\n", 1.5L, 1.0L / 3);
  printf("%lld %llu %" PRIx64 "\n", LLONG_MIN, ULLONG_MAX, INT64_C(0x123456789abcdef0));
  printf("%5d|%-5d|%05d|%+d|%x|%#X|%o|%c|%%\n", 42, 42, 42, 42, 255, 255, 8, 'c');
  printf("%zu %td %hhd %hd\n", sizeof(void *), (ptrdiff_t)-1, (char)-2, (short)-3);
  printf("%.3s|%10s|%-10s|%*d\n", "abcdef", "right", "left", 6, 7);
  printf("%g %g %g\n", strtod("0x1.8p1", NULL), strtod("1e400", NULL), atof("  -12.5e-3xyz"));
  printf("%ld %lu %lld\n", strtol("-0x7f", NULL, 0), strtoul("777", NULL, 8), atoll("-9223372036854775808"));
  printf("%g %g %g %g\n", sin(1), pow(2, 0.5), fmod(-7, 3), log(10));
  printf("%d %d\n", isnan(NAN) != 0, fpclassify(DBL_MIN / 2) == FP_SUBNORMAL);
  return 0;
}
