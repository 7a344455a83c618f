/* <sys/termios.h>, another name of <termios.h>. */
#include <termios.h>
