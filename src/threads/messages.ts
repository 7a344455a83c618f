// What threads of a process say to each other about their heaps. The messages go through BroadcastChannels, which
// span all threads of a process and which anybody may post to: foreign code, and other versions of this package. So
// every message is checked, and one that is none of ours is ignored.
//
// Of every future version of this protocol the following stays true, so that versions can at least name each other:
// the names of the channels, the fields `heapline`, `protocol`, `type` and `from`, in requests `id`, `reply` and
// `expires`, and the question HELLO.

/** Raised when messages change in a way that other versions do not understand. */
export const PROTOCOL = 1;

/** What threads are asked; every thread that has imported this package listens. */
export const REQUESTS = 'heapline.requests';
/** Which threads come and go; only threads that make profiles of all threads listen. */
export const NEWS = 'heapline.threads';

/** A thread that has imported this package. */
export interface ThreadIdentity {
  /** Node's number of the thread; the main thread's is 0. */
  readonly id: number;
  /** The name given to `new Worker`, or that of its script where Node does not tell; several may have the same. */
  readonly name: string;
  /** The nearest thread further out that had imported this package when this one began; null for none. */
  readonly parent: number | null;
  /** Version of this package. */
  readonly version: string;
}

/** The question to which every thread says hello. */
export const HELLO = 'hello';

interface Envelope {
  readonly protocol: number;
  readonly from: ThreadIdentity;
}

/** A thread says that it is there, or that others are not any more. */
export type News = Envelope &
  ({ readonly type: 'hello' } | { readonly type: 'gone'; readonly threads: readonly number[] });

/** A thread is asked something. */
export interface Request extends Envelope {
  readonly type: 'request';
  readonly id: string;
  /** Name of the channel that the answer goes to; '' when none is wanted. */
  readonly reply: string;
  /** When nobody waits any more, in milliseconds on the clock of `now()`. */
  readonly expires: number;
  /** Milliseconds that pass by themselves before there can be an answer: those of a CPU profile. */
  readonly duration: number;
  /** What is asked; the answering half of a protocol's version checks it. */
  readonly question: unknown;
}

/** What comes back. */
export type Answer = Envelope & { readonly id: string } & Outcome;

type Outcome =
  /** The thread has the request, and answers as soon as it can. */
  | { readonly type: 'working' }
  | { readonly type: 'answer'; readonly answer: unknown }
  | { readonly type: 'failed'; readonly message: string }
  /** The thread has another version of the protocol. */
  | { readonly type: 'unsupported' };

/** A clock that all threads of a process share, in milliseconds. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** What people call a thread, and what the label `thread` says. */
export function threadLabel({ id, name }: Pick<ThreadIdentity, 'id' | 'name'>): string {
  return id === 0 ? 'main' : `${name} (${id})`;
}

/** Longest name of a thread, version, or message about a failure that is taken over. */
export const LONGEST_TEXT = 500;
/** Most threads that one message can say are gone. */
const MOST_THREADS = 100_000;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a message as news; null when it is none. */
export function readNews(message: unknown): News | null {
  const envelope = readEnvelope(message);
  if (envelope === null) return null;
  const { type, threads } = message as Fields;
  if (type === 'hello') return { ...envelope, type };
  const gone = type === 'gone' ? threadIds(threads) : null;
  return gone === null ? null : { ...envelope, type: 'gone', threads: gone };
}

/** The threads that a question says have ended; null when it is another question. */
export function goneThreads(question: unknown): readonly number[] | null {
  return typeof question === 'object' && question !== null ? threadIds((question as Fields).gone) : null;
}

/** Reads a message as a request; null when it is none. */
export function readRequest(message: unknown): Request | null {
  const envelope = readEnvelope(message);
  if (envelope === null) return null;
  const { type, id, reply, expires, duration, question } = message as Fields;
  if (type !== 'request' || !isText(id) || !isText(reply) || typeof expires !== 'number') return null;
  return {
    ...envelope,
    ...{ type, id, reply, expires, question },
    duration: typeof duration === 'number' ? duration : 0,
  };
}

/** Reads a message as an answer; null when it is none. */
export function readAnswer(message: unknown): Answer | null {
  const envelope = readEnvelope(message);
  if (envelope === null) return null;
  const { type, id, answer, message: text } = message as Fields;
  if (!isText(id)) return null;
  if (type === 'unsupported' || envelope.protocol !== PROTOCOL)
    return { ...envelope, type: 'unsupported', id };
  if (type === 'working') return { ...envelope, type, id };
  if (type === 'answer') return { ...envelope, type, id, answer };
  return type === 'failed' && isText(text) ? { ...envelope, type, id, message: text } : null;
}

/** A message of ours. */
export function sealed<T extends object>(from: ThreadIdentity, message: T): T & Envelope {
  return { heapline: 'threads', protocol: PROTOCOL, from, ...message } as T & Envelope;
}

function readEnvelope(message: unknown): Envelope | null {
  if (typeof message !== 'object' || message === null) return null;
  const { heapline, protocol, from } = message as Fields;
  if (heapline !== 'threads' || typeof protocol !== 'number') return null;
  if (typeof from !== 'object' || from === null) return null;
  const { id, name, parent, version } = from as Fields;
  if (!isThreadId(id) || !isText(name) || !isText(version)) return null;
  return { protocol, from: { id, name, parent: isThreadId(parent) ? parent : null, version } };
}

function threadIds(value: unknown): readonly number[] | null {
  return Array.isArray(value) && value.length <= MOST_THREADS && value.every(isThreadId) ? value : null;
}

function isThreadId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT;
}
