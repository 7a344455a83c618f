/* <math.h> of wasi-libc, with the largest float as X/Open names it. */
#include_next <math.h>
#ifndef HEAPLINE_MATH_H
#define HEAPLINE_MATH_H

#ifndef MAXFLOAT
#define MAXFLOAT 3.40282346638528859812e+38F
#endif
#endif
