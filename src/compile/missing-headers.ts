// Words the error for a header that is not found because WASI does not have it: which header, what programs use it
// for, and which toolchain has it. When a header of the caller's own is missing, the compiler's error stands.

import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { isFile } from '../node/file-kinds.ts';
import type { ToolchainName } from './compile-options.ts';

interface Group {
  /** What programs use these headers for. Completes "it has no …". */
  readonly purpose: string;
  readonly headers: RegExp;
  /** Whether Emscripten's libc has these headers. */
  readonly emscripten: boolean;
}

/** Headers of systems with processes, users and networks. WASI preview 1 lacks them. */
const GROUPS: readonly Group[] = [
  {
    purpose: 'look-up of hosts and network interfaces',
    headers: /^(?:netdb|ifaddrs|resolv|net\/(?:ethernet|if|if_arp|route)|netinet\/(?:ether|if_ether))\.h$/,
    emscripten: true,
  },
  {
    purpose: 'sockets that a program can open',
    headers: /^(?:sys\/(?:socket|un)|netinet\/(?:in|tcp|udp|ip)|arpa\/inet)\.h$/,
    emscripten: true,
  },
  {
    purpose: 'processes besides the program',
    headers: /^(?:spawn|wait|wordexp|sys\/(?:wait|ptrace|prctl|procfs|personality))\.h$/,
    emscripten: true,
  },
  {
    purpose: 'memory, queues and semaphores that processes share',
    headers: /^(?:mqueue|sys\/(?:ipc|shm|sem|msg))\.h$/,
    emscripten: true,
  },
  { purpose: 'threads', headers: /^(?:pthread|threads|semaphore)\.h$/, emscripten: true },
  { purpose: 'dynamic loading', headers: /^(?:dlfcn|link)\.h$/, emscripten: true },
  {
    purpose: 'users and groups',
    headers: /^(?:pwd|grp|shadow|gshadow|utmp|utmpx|lastlog)\.h$/,
    emscripten: true,
  },
  { purpose: 'terminals', headers: /^(?:termios|pty|sys\/(?:termios|ttydefaults))\.h$/, emscripten: true },
  {
    purpose: 'file systems to ask about, mount or watch',
    headers: /^(?:mntent|sys\/(?:mount|vfs|statfs|statvfs|inotify|fanotify|xattr|quota|swap))\.h$/,
    emscripten: true,
  },
  {
    purpose: 'such kernel services',
    headers:
      /^(?:aio|elf|paths|syslog|ulimit|ucontext|libintl|sys\/(?:acct|auxv|epoll|io|klog|reboot|signalfd|syslog|sysmacros|timerfd|ucontext|user))\.h$/,
    emscripten: true,
  },
  { purpose: 'windows', headers: /^(?:X11|GL|GLES[23]?|EGL|GLFW)\//, emscripten: true },
  {
    purpose: 'kernel of Linux, or of another system, below the program',
    headers:
      /^(?:linux|asm|asm-generic|mach|mach-o|sys\/(?:sysctl|event|pidfd|sendfile)|windows|winsock2)(?:\/|\.h$)/,
    emscripten: false,
  },
  {
    purpose: 'such extension of libc',
    headers: /^(?:argp|argz|execinfo|error|fstab|mcheck|obstack|printf|regexp|sys\/(?:cdefs|queue))\.h$/,
    emscripten: false,
  },
];

const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]/gm;
const SETJMP = /^c?setjmp(?:\.h)?$/;

/**
 * Whether one of these files includes a header that may be missing. If so, the preprocessor has to look, because an
 * `#ifdef` may exclude the header.
 * @param setjmp whether setjmp.h may be missing
 */
export function mayMissHeader(files: Iterable<Uint8Array>, setjmp: boolean): boolean {
  for (const bytes of files) {
    for (const [, header] of Buffer.from(bytes).toString('latin1').matchAll(INCLUDE)) {
      if (setjmp && SETJMP.test(header!)) return true;
      if (GROUPS.some(({ headers }) => headers.test(header!))) return true;
    }
  }
  return false;
}

const NOT_FOUND = /^(.+?:\d+:\d+): fatal error: '([^'\n]+)' file not found/m;
const HOST_DIRECTORIES = ['/usr/include', '/usr/local/include', '/opt/homebrew/include'];

/** The error for a header that WASI does not have; null when the compiler's own error is the right one. */
export function missingHeaderError(toolchain: ToolchainName, output: string): ToolchainError | null {
  const found = NOT_FOUND.exec(output);
  if (found === null) return null;
  const [, place, header] = found as unknown as [string, string, string];
  const group = GROUPS.find(({ headers }) => headers.test(header));
  if (group !== undefined) {
    const advice = group.emscripten
      ? 'Use the toolchain `emscripten`, which has the header, or leave this part out (`#ifndef __wasi__`).'
      : 'Leave this part out (`#ifndef __wasi__`).';
    return new ToolchainError(
      toolchain,
      `${place}: WASI has no ${header}: it has no ${group.purpose}. ${advice}`,
    );
  }
  const host = HOST_DIRECTORIES.map((directory) => path.join(directory, header)).find(isFile);
  if (host === undefined) return null;
  return new ToolchainError(
    toolchain,
    `${place}: '${header}' not found. ${host} belongs to a library of this machine's own system, which WebAssembly ` +
      'cannot use. Build the library for WebAssembly, too (or add its sources), and name the directory of its headers ' +
      'in `include` (-I).',
  );
}
