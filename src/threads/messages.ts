// The messages by which the threads of a process speak about their heaps. They go through BroadcastChannels, which span
// all threads of a process. Anybody may post there, including foreign code and other versions of this package. So every
// message is checked, and foreign messages are ignored.
//
// Every future version of this protocol keeps the following, so that versions can at least name each other: the names of
// the channels, the fields `heapline`, `protocol`, `type` and `from`, the fields `id`, `reply` and `expires` of requests,
// and the question HELLO.

/** Version of the protocol. It grows when messages change in a way that other versions do not understand. */
export const PROTOCOL = 1;

/** The channel for requests. Every thread that has imported this package listens there. */
export const REQUESTS = 'heapline.requests';
/** The channel for news of threads that come and go. Only threads that make profiles of all threads listen there. */
export const NEWS = 'heapline.threads';

/** A thread that has imported this package. */
export interface ThreadIdentity {
  /** Number of the thread in Node.js; the main thread has number 0. */
  readonly id: number;
  /** The name given to `new Worker`; where Node.js does not tell it, the name of the script. Names may repeat. */
  readonly name: string;
  /** The nearest thread further out that had imported this package when this thread began; null when there is none. */
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

/** A thread says that it exists, or that others have ended. */
export type News = Envelope &
  ({ readonly type: 'hello' } | { readonly type: 'gone'; readonly threads: readonly number[] });

/** A question to all threads. */
export interface Request extends Envelope {
  readonly type: 'request';
  readonly id: string;
  /** Name of the channel for the answer; '' when no answer is wanted. */
  readonly reply: string;
  /** Time at which nobody waits any more, in milliseconds on the clock of `now()`. */
  readonly expires: number;
  /** Milliseconds that must pass before there can be an answer, such as the length of a CPU profile. */
  readonly duration: number;
  /** The question itself. The answering thread checks it. */
  readonly question: unknown;
}

/** A message that comes back for a request. */
export type Answer = Envelope & { readonly id: string } & Outcome;

type Outcome =
  /** The thread has received the request and answers as soon as it can. */
  | { readonly type: 'working' }
  | { readonly type: 'answer'; readonly answer: unknown }
  | { readonly type: 'failed'; readonly message: string }
  /** The thread has another version of the protocol. */
  | { readonly type: 'unsupported' };

/** A clock that all threads of a process share, in milliseconds. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** The name of a thread for people, which is also the value of the label `thread`. */
export function threadLabel({ id, name }: Pick<ThreadIdentity, 'id' | 'name'>): string {
  return id === 0 ? 'main' : `${name} (${id})`;
}

/** Greatest length of a text that is accepted: the name of a thread, a version, the message of a failure. */
export const LONGEST_TEXT = 500;
/** The most ended threads that one message can name. */
const MOST_THREADS = 100_000;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a message as news; null when the message is something else. */
export function readNews(message: unknown): News | null {
  const envelope = readEnvelope(message);
  if (envelope === null) return null;
  const { type, threads } = message as Fields;
  if (type === 'hello') return { ...envelope, type };
  const gone = type === 'gone' ? threadIds(threads) : null;
  return gone === null ? null : { ...envelope, type: 'gone', threads: gone };
}

/** The ended threads that a question names; null when it is another question. */
export function goneThreads(question: unknown): readonly number[] | null {
  return typeof question === 'object' && question !== null ? threadIds((question as Fields).gone) : null;
}

/** Reads a message as a request; null when the message is something else. */
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

/** Reads a message as an answer; null when the message is something else. */
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

/** A message with the marks of this protocol. */
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
