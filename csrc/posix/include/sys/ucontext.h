/* <sys/ucontext.h>: <signal.h> has the types. */
#include <signal.h>
