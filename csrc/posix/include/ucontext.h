/* <ucontext.h>: <signal.h> has the types. The functions are not there, because WebAssembly cannot switch stacks. */
#include <signal.h>
