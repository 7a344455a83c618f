/* Signals that a program raises itself: handlers, masks, and what each signal does without a handler. Nothing else can
 * send a signal to a program, so alarm() and timers never fire. */

#include "provided.h"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SIGNALS _NSIG
#define BIT(number) (1ULL << ((number)-1))
/* Exit statuses as a shell reports them for a program that a signal has ended. */
#define SIGNALLED 128

static struct sigaction actions[SIGNALS];
static sigset_t blocked, waiting, queued;
/* What sigqueue() has sent with the signals in `queued`. */
static union sigval values[SIGNALS];

static int is_signal(int number)
{
    if (number > 0 && number < SIGNALS)
        return 1;
    errno = EINVAL;
    return 0;
}

/* wasi-libc's SIG_IGN and SIG_ERR are functions, because 1 is a possible address of one. */
PROVIDED void __SIG_IGN(int number) { (void)number; }
PROVIDED void __SIG_ERR(int number)
{
    (void)number;
    __builtin_trap();
}

static void act_by_default(int number)
{
    switch (number) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
        return;
    case SIGABRT:
        __builtin_trap();
    default:
        _exit(SIGNALLED + number);
    }
}

/* What is known about a signal, with what sigqueue() has sent with it. */
static siginfo_t take_info(int number)
{
    siginfo_t info = {.si_signo = number, .si_code = SI_USER, .si_pid = hl_identity.process};
    info.si_uid = hl_identity.user;
    if (queued & BIT(number)) {
        queued &= ~BIT(number);
        info.si_code = SI_QUEUE;
        info.si_value = values[number];
    }
    return info;
}

static void deliver(int number)
{
    struct sigaction action = actions[number];
    if (action.sa_handler == SIG_IGN)
        return;
    if (action.sa_handler == SIG_DFL) {
        act_by_default(number);
        return;
    }
    if ((unsigned)action.sa_flags & SA_RESETHAND)
        actions[number].sa_handler = SIG_DFL;
    sigset_t before = blocked;
    blocked |= action.sa_mask;
    if (!((unsigned)action.sa_flags & SA_NODEFER))
        blocked |= BIT(number);
    if (action.sa_flags & SA_SIGINFO) {
        siginfo_t info = take_info(number);
        action.sa_sigaction(number, &info, 0);
    } else {
        action.sa_handler(number);
    }
    blocked = before;
}

static void deliver_waiting(void)
{
    for (sigset_t due; (due = waiting & ~blocked) != 0;) {
        int number = __builtin_ctzll(due) + 1;
        waiting &= ~BIT(number);
        deliver(number);
    }
}

PROVIDED int raise(int number)
{
    if (!is_signal(number))
        return -1;
    waiting |= BIT(number);
    deliver_waiting();
    return 0;
}

PROVIDED void (*signal(int number, void (*handler)(int)))(int)
{
    if (!is_signal(number) || number == SIGKILL || number == SIGSTOP) {
        errno = EINVAL;
        return SIG_ERR;
    }
    void (*before)(int) = actions[number].sa_handler;
    actions[number] = (struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART};
    return before;
}

PROVIDED void (*bsd_signal(int number, void (*handler)(int)))(int) { return signal(number, handler); }
void (*__sysv_signal(int number, void (*handler)(int)))(int);
PROVIDED void (*__sysv_signal(int number, void (*handler)(int)))(int) { return signal(number, handler); }

PROVIDED int sigaction(int number, const struct sigaction *restrict action, struct sigaction *restrict before)
{
    if (!is_signal(number))
        return -1;
    if (action != 0 && (number == SIGKILL || number == SIGSTOP)) {
        errno = EINVAL;
        return -1;
    }
    struct sigaction old = actions[number];
    if (action != 0)
        actions[number] = *action;
    if (before != 0)
        *before = old;
    return 0;
}

/* SIGABRT's handler may jump out. */
PROVIDED _Noreturn void abort(void)
{
    void (*handler)(int) = actions[SIGABRT].sa_handler;
    if (handler != SIG_DFL && handler != SIG_IGN)
        raise(SIGABRT);
    __builtin_trap();
}

/* Whether a process is this one or its group. */
static int is_own(pid_t process)
{
    if (process == hl_identity.process || process == 0 || process == -1 || process == -hl_identity.process)
        return 1;
    errno = ENOSYS;
    return 0;
}

PROVIDED int kill(pid_t process, int number)
{
    if (!is_own(process))
        return -1;
    return number == 0 ? 0 : raise(number);
}

PROVIDED int killpg(pid_t group, int number)
{
    return is_own(group) ? raise(number) : -1;
}

PROVIDED int sigqueue(pid_t process, int number, union sigval value)
{
    if (!is_own(process) || (number != 0 && !is_signal(number)))
        return -1;
    if (number == 0)
        return 0;
    values[number] = value;
    queued |= BIT(number);
    return raise(number);
}

PROVIDED int pthread_kill(pthread_t thread, int number)
{
    (void)thread;
    return number == 0 || raise(number) == 0 ? 0 : errno;
}

PROVIDED int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

PROVIDED int sigfillset(sigset_t *set)
{
    *set = ~0ULL;
    return 0;
}

PROVIDED int sigaddset(sigset_t *set, int number)
{
    if (!is_signal(number))
        return -1;
    *set |= BIT(number);
    return 0;
}

PROVIDED int sigdelset(sigset_t *set, int number)
{
    if (!is_signal(number))
        return -1;
    *set &= ~BIT(number);
    return 0;
}

PROVIDED int sigismember(const sigset_t *set, int number)
{
    return is_signal(number) ? (*set & BIT(number)) != 0 : -1;
}

PROVIDED int sigpending(sigset_t *set)
{
    *set = waiting;
    return 0;
}

PROVIDED int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict before)
{
    sigset_t old = blocked;
    if (set != 0) {
        switch (how) {
        case SIG_BLOCK:
            blocked |= *set;
            break;
        case SIG_UNBLOCK:
            blocked &= ~*set;
            break;
        case SIG_SETMASK:
            blocked = *set;
            break;
        default:
            errno = EINVAL;
            return -1;
        }
        blocked &= ~(BIT(SIGKILL) | BIT(SIGSTOP));
    }
    if (before != 0)
        *before = old;
    deliver_waiting();
    return 0;
}

PROVIDED int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict before)
{
    return sigprocmask(how, set, before) == 0 ? 0 : errno;
}

/* For sigsetjmp and siglongjmp. wasi-libc has the two fields, and leaves them alone. */
PROVIDED void heapline_keep_mask(struct __jmp_buf_tag *buffer, int keeps)
{
    buffer->__fl = (unsigned long)keeps;
    memcpy(buffer->__ss, &blocked, sizeof blocked);
}

PROVIDED void heapline_restore_mask(const struct __jmp_buf_tag *buffer)
{
    if (buffer->__fl == 0)
        return;
    memcpy(&blocked, buffer->__ss, sizeof blocked);
    deliver_waiting();
}

PROVIDED int sigwait(const sigset_t *restrict set, int *restrict number)
{
    sigset_t due = waiting & *set;
    if (due == 0)
        return ENOSYS;
    *number = __builtin_ctzll(due) + 1;
    waiting &= ~BIT(*number);
    return 0;
}

/* Takes a signal that waits already: no other one can come. */
PROVIDED int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                          const struct timespec *restrict limit)
{
    int number;
    if (sigwait(set, &number) != 0) {
        errno = limit == 0 ? ENOSYS : EAGAIN;
        return -1;
    }
    siginfo_t known = take_info(number);
    if (info != 0)
        *info = known;
    return number;
}

PROVIDED int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info) { return sigtimedwait(set, info, 0); }

PROVIDED void psiginfo(const siginfo_t *info, const char *prefix)
{
    int has = prefix != 0 && *prefix != 0;
    fprintf(stderr, "%s%sSignal %d\n", has ? prefix : "", has ? ": " : "", info->si_signo);
}

/* Blocks or unblocks one signal. */
static int change_mask(int how, int number)
{
    sigset_t set = 0;
    return sigaddset(&set, number) < 0 ? -1 : sigprocmask(how, &set, 0);
}

PROVIDED int sighold(int number) { return change_mask(SIG_BLOCK, number); }
PROVIDED int sigrelse(int number) { return change_mask(SIG_UNBLOCK, number); }
PROVIDED int sigignore(int number) { return signal(number, SIG_IGN) == SIG_ERR ? -1 : 0; }

PROVIDED void (*sigset(int number, void (*handler)(int)))(int)
{
    void (*before)(int) = signal(number, handler);
    if (before != SIG_ERR)
        sigrelse(number);
    return before;
}

PROVIDED int sigsuspend(const sigset_t *mask)
{
    sigset_t before = blocked, due = waiting & ~*mask;
    blocked = *mask;
    deliver_waiting();
    blocked = before;
    errno = due != 0 ? EINTR : ENOSYS;
    return -1;
}

PROVIDED int sigpause(int number)
{
    sigset_t mask = blocked;
    return sigdelset(&mask, number) < 0 ? -1 : sigsuspend(&mask);
}

PROVIDED int pause(void) { return absent(); }

PROVIDED int siginterrupt(int number, int interrupts)
{
    (void)interrupts;
    return is_signal(number) ? 0 : -1;
}

PROVIDED int sigaltstack(const stack_t *restrict stack, stack_t *restrict before)
{
    static stack_t current = {.ss_flags = SS_DISABLE};
    if (before != 0)
        *before = current;
    if (stack != 0)
        current = *stack;
    return 0;
}

PROVIDED unsigned alarm(unsigned seconds)
{
    (void)seconds;
    return 0;
}

PROVIDED unsigned ualarm(unsigned microseconds, unsigned interval)
{
    (void)microseconds, (void)interval;
    return 0;
}

PROVIDED int setitimer(int which, const struct itimerval *restrict value, struct itimerval *restrict before)
{
    (void)which, (void)value, (void)before;
    return absent();
}

PROVIDED int getitimer(int which, struct itimerval *value)
{
    (void)which;
    *value = (struct itimerval){{0, 0}, {0, 0}};
    return 0;
}

PROVIDED int timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict timer)
{
    (void)clock, (void)event, (void)timer;
    return absent();
}

PROVIDED int timer_delete(timer_t timer)
{
    (void)timer;
    return absent();
}

PROVIDED int timer_settime(timer_t timer, int flags, const struct itimerspec *restrict value,
                           struct itimerspec *restrict before)
{
    (void)timer, (void)flags, (void)value, (void)before;
    return absent();
}

PROVIDED int timer_gettime(timer_t timer, struct itimerspec *value)
{
    (void)timer, (void)value;
    return absent();
}

PROVIDED int timer_getoverrun(timer_t timer)
{
    (void)timer;
    return absent();
}
