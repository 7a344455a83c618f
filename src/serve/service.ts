// The interface of Go's net/http/pprof without any HTTP library: a request comes in, an answer goes out. Statuses,
// headers, texts and the order of the checks are those of Go (net/http/pprof/pprof.go and net/http's ServeMux, Go
// 1.19), so that clients written for Go find what they expect.
// test/serve/go-differential.witness.test.ts compares the two.
//
// All waiting requests for the same profile get one answer, which is collected after the last of them arrived. The
// number of long collections is limited. So the cost of many clients is limited, too.

import { gzip } from 'node:zlib';
import { escapeHtml } from '../algorithms/escape-html.ts';
import type { Steps } from '../algorithms/steps.ts';
import { DEFAULT_LEVEL, encodeMessage, type HeapProfile, VERSION } from '../profile/index.ts';
import { legacyText } from '../profile/written-forms.ts';
import {
  AllThreads,
  absentHeader,
  absentLines,
  type Collection,
  comparable,
  merged,
  remarked,
  whole,
} from './all-threads.ts';
import { change, cut, fitted, sinceLastScrape } from './delta.ts';
import { cleanPath, escapePath, parseInt64, parseQuery, parseUint64, percentDecoded } from './go-values.ts';
import { indexPage, type ProfileEntry } from './index-page.ts';
import type { ServeSettings } from './options.ts';
import { DELTA_KINDS, ELSEWHERE, HEAP_PROFILES, type HeapKind, OTHER_PROFILES } from './profiles.ts';
import { sleep } from './sleep.ts';
import { inSlices } from './slices.ts';
import { emptySums, statisticsText } from './statistics.ts';
import { CpuRecording } from './v8-cpu.ts';

/** The parts of a request that matter here. */
export interface PprofRequest {
  readonly method: string;
  /** The path as it stands in the request line. */
  readonly rawPath: string;
  /** Without the question mark. */
  readonly rawQuery: string;
  readonly contentType: string;
  /** The name by which the client calls this server, for links; '' when the client does not say. */
  readonly host: string;
  /** Seconds that the server allows for an answer; null for no limit. */
  readonly writeTimeout: number | null;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
  /** Reads the body; null when the body is longer than `limit` bytes. */
  readBody(limit: number): Promise<Uint8Array | null>;
}

export interface PprofAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const NOSNIFF = { 'X-Content-Type-Options': 'nosniff' };
const TEXT = { ...NOSNIFF, 'Content-Type': 'text/plain; charset=utf-8' };
const BINARY = { ...NOSNIFF, 'Content-Type': 'application/octet-stream' };
/** Longest body that is read, in bytes: a form with parameters, or addresses for `symbol`. */
const LONGEST_BODY = 1024 * 1024;
/** Go reads the words of a `symbol` request into a buffer of this size. */
const LONGEST_WORD = 4096;
/** Milliseconds for which an answer is held back so that other requests can share it. */
const LONGEST_PAUSE = 250;
/** Pyroscope's default limits: samples in a profile, and bytes before compression. */
const PYROSCOPE_SAMPLES = 16_000;
const PYROSCOPE_BYTES = 4 * 2 ** 20;

const encoder = new TextEncoder();

/** Milliseconds between two questions of a live page. */
const REFRESH = 2000;

/** The page that shows the heap as it is, again and again. Its code is loaded when somebody looks. */
async function livePage(): Promise<PprofAnswer> {
  const { pageText } = await import('../page/index.ts');
  const page = pageText({
    title: 'heap',
    profiles: [],
    live: { profiles: '../', every: REFRESH },
    sources: false,
  });
  const headers = { ...NOSNIFF, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' };
  return { status: 200, headers, body: encoder.encode(page) };
}

/** One flag for the whole process, as in Go's CPU profiler. */
let cpuProfiling = false;

/**
 * Answers requests for profiles. Each handler has its own service, which remembers its last scrape of `delta_heap`.
 */
export class PprofService {
  readonly #settings: ServeSettings;
  readonly #heaps: AllThreads;
  /** Answers that have not been started, and the ends of the answers that are being made. */
  readonly #waiting = new Map<string, Promise<PprofAnswer>>();
  readonly #making = new Map<string, Promise<void>>();
  /** When each answer was last made, and how many milliseconds that took. */
  readonly #last = new Map<string, { ended: number; took: number }>();
  #collections = 0;
  /** The last scrape of each thread by the thread's number. */
  readonly #lastScrape = new Map<number, HeapProfile>();
  /** Settles when the previous scrape of `delta_heap` is done. */
  #scrape: Promise<unknown> = Promise.resolve();

  constructor(settings: ServeSettings) {
    this.#settings = settings;
    this.#heaps = new AllThreads(settings);
  }

  close(): void {
    this.#heaps.close();
  }

  /** The answer; null when the path does not belong to this interface. */
  async answer(request: PprofRequest): Promise<PprofAnswer | null> {
    const { prefix } = this.#settings;
    const path = percentDecoded(request.rawPath);
    // Paths outside the prefix are for other handlers to judge, because not every router decodes paths.
    if (path === null) return request.rawPath.startsWith(`${prefix}/`) ? badPath() : null;
    const cleaned = cleanPath(path);
    if (cleaned === prefix) return redirect(request, `${prefix}/`);
    if (!cleaned.startsWith(`${prefix}/`)) return null;
    if (cleaned !== path) return redirect(request, cleaned);
    const name = path.slice(prefix.length + 1);
    try {
      return await this.#endpoint(name, request);
    } catch (error) {
      return failure(500, `failed to collect profile: ${(error as Error).message}`);
    }
  }

  async #endpoint(name: string, request: PprofRequest): Promise<PprofAnswer> {
    switch (name) {
      case '':
        return this.#index(request);
      case 'ui':
        return redirect(request, `${this.#settings.prefix}/ui/`);
      case 'ui/':
        return livePage();
      case 'cmdline':
        return text(200, [process.execPath, ...process.execArgv, ...process.argv.slice(1)].join('\0'));
      case 'symbol':
        return this.#symbol(request);
      case 'profile':
        return this.#cpuProfile(request);
    }
    if (!Object.hasOwn(HEAP_PROFILES, name)) {
      return Object.hasOwn(ELSEWHERE, name)
        ? failure(404, `Unknown profile: ${ELSEWHERE[name]}`)
        : failure(404, 'Unknown profile');
    }
    const kind = name as keyof typeof HEAP_PROFILES;
    const form = await readForm(request);
    const seconds = form.get('seconds') ?? '';
    if (seconds !== '') return this.#differenceProfile(kind, seconds, form, request);
    const gc = atoi(form.get('gc')) > 0n && (kind === 'heap' || kind === 'delta_heap');
    const debug = atoi(form.get('debug')) !== 0n;
    if (kind === 'delta_heap') return this.#deltaHeap(gc, debug, request.method === 'HEAD');
    return this.#shared(`${kind} ${gc} ${debug}`, async () => {
      const collection = await this.#heaps.collect(kind, { gc, sums: debug });
      const profile = await inSlices(whole(kind, collection));
      return debug ? this.#text(profile, collection) : this.#binary(profile, kind, collection);
    });
  }

  /**
   * Runs `make` once for all requests that arrive before it begins. It begins in the next turn of the event loop.
   * While the same answer is being made for earlier requests, it begins afterwards, after a pause as long as that
   * answer took. So many clients share one answer, each answer is collected after its requests, and the program keeps
   * half of the time.
   */
  #shared(key: string, make: () => Promise<PprofAnswer>): Promise<PprofAnswer> {
    let answer = this.#waiting.get(key);
    if (answer === undefined) {
      answer = this.#whenFree(key).then(() => {
        this.#waiting.delete(key);
        const made = make();
        this.#making.set(key, this.#timed(key, made));
        return made;
      });
      this.#waiting.set(key, answer);
    }
    return answer;
  }

  async #whenFree(key: string): Promise<void> {
    await this.#making.get(key);
    const last = this.#last.get(key);
    const crowded = last !== undefined && performance.now() - last.ended < last.took;
    await (crowded ? pause(Math.min(last.took, LONGEST_PAUSE)) : nextTurn());
  }

  async #timed(key: string, made: Promise<unknown>): Promise<void> {
    const began = performance.now();
    await made.catch(() => {});
    const ended = performance.now();
    this.#last.set(key, { ended, took: ended - began });
    this.#making.delete(key);
  }

  async #text(profile: HeapProfile, { sums, absent }: Collection): Promise<PprofAnswer> {
    const records = await inSlices(legacyText(profile.model));
    const hostHeap = this.#settings.samplingInterval !== null;
    const statistics = statisticsText(sums ?? emptySums(), hostHeap, absentLines(absent));
    return {
      status: 200,
      headers: { ...TEXT, ...absentHeader(absent) },
      body: encoder.encode(records + statistics),
    };
  }

  async #binary(profile: HeapProfile, filename: string, { absent }: Collection): Promise<PprofAnswer> {
    const message = await inSlices(messageOf(profile, this.#settings.maxSamples));
    return attachment(filename, await gzipped(message), absentHeader(absent));
  }

  /** Runs scrapes one after another, so that each allocation is counted in exactly one of them. */
  #deltaHeap(gc: boolean, debug: boolean, headersOnly: boolean): Promise<PprofAnswer> {
    const answer = this.#scrape.then(() => this.#nextDelta(gc, debug, headersOnly));
    this.#scrape = answer.catch(() => {});
    return answer;
  }

  async #nextDelta(gc: boolean, debug: boolean, headersOnly: boolean): Promise<PprofAnswer> {
    const now = await this.#heaps.collect('heap', { gc, sums: debug });
    const before = await inSlices(this.#scraped(now));
    const all = await inSlices(whole('heap', now));
    const profile = await inSlices(sinceLastScrape(before, all));
    // A person who looks at the profile must not take the allocations away from the scraper.
    if (debug) return this.#text(profile, now);
    if (!headersOnly) this.#remember(now);
    const message = fitted(profile, this.#settings.maxSamples ?? PYROSCOPE_SAMPLES, PYROSCOPE_BYTES);
    return attachment('heap.pprof.gz', await gzipped(await inSlices(message)), absentHeader(now.absent));
  }

  /** The last scrapes of the threads that exist now. */
  *#scraped({ parts }: Collection): Steps<HeapProfile | null> {
    const known = [...parts.keys()].flatMap((thread) => this.#lastScrape.get(thread) ?? []);
    return known.length === 0 ? null : yield* merged(known);
  }

  /** A busy thread keeps its last scrape, so that nothing is counted twice when the thread answers again. */
  #remember({ parts, absent }: Collection): void {
    const busy = new Set(absent.map(({ thread }) => thread.id));
    for (const thread of this.#lastScrape.keys()) {
      if (!parts.has(thread) && !busy.has(thread)) this.#lastScrape.delete(thread);
    }
    for (const [thread, profile] of parts) this.#lastScrape.set(thread, profile);
  }

  async #differenceProfile(
    kind: HeapKind | 'delta_heap',
    given: string,
    form: ReadonlyMap<string, string>,
    request: PprofRequest,
  ): Promise<PprofAnswer> {
    const { value: seconds, ok } = parseInt64(given);
    if (!ok || seconds <= 0n) {
      return failure(400, 'invalid value for "seconds" - must be a positive integer');
    }
    if (!DELTA_KINDS.has(kind)) {
      return failure(400, '"seconds" parameter is not supported for this profile type');
    }
    if (this.#exceedsTimeout(request, seconds)) {
      return failure(400, "profile duration exceeds server's WriteTimeout");
    }
    if (atoi(form.get('debug')) !== 0n) {
      return failure(400, 'seconds and debug params are incompatible');
    }
    if (this.#collections >= this.#settings.maxCollections) return this.#busy();
    this.#collections++;
    try {
      const before = await this.#heaps.collect(kind as HeapKind);
      if (!(await sleep(Number(seconds) * 1000, request.signal))) return failure(500, 'context canceled');
      const [first, second] = comparable(before, await this.#heaps.collect(kind as HeapKind));
      const earlier = await inSlices(whole(kind as HeapKind, first));
      const later = await inSlices(whole(kind as HeapKind, second));
      const profile = await inSlices(change(earlier, later));
      return await this.#binary(profile, `${kind}-delta`, second);
    } finally {
      this.#collections--;
    }
  }

  async #cpuProfile(request: PprofRequest): Promise<PprofAnswer> {
    const form = await readForm(request);
    const { value, ok } = parseInt64(form.get('seconds') ?? '');
    const seconds = ok && value > 0n ? value : 30n;
    if (this.#exceedsTimeout(request, seconds)) {
      return failure(400, "profile duration exceeds server's WriteTimeout");
    }
    if (cpuProfiling) {
      return failure(500, 'Could not enable CPU profiling: cpu profiling already in use');
    }
    cpuProfiling = true;
    let recording: CpuRecording | null = null;
    const stopped = new AbortController();
    try {
      const { cpuInterval } = this.#settings;
      request.signal.addEventListener('abort', () => stopped.abort());
      const asked = this.#heaps.recordOthers(Number(seconds), cpuInterval, stopped.signal);
      recording = await CpuRecording.start(cpuInterval);
      const whole = await sleep(Number(seconds) * 1000, request.signal);
      const running = recording;
      recording = null;
      if (!whole) {
        running.cancel();
        return failure(500, 'context canceled');
      }
      const own = running.stop(this.#heaps.own.sandboxes());
      const others = await asked;
      const profile = await inSlices(merged([own, ...others.parts.values()]));
      return await this.#binary(remarked(profile, others), 'profile', others);
    } catch (error) {
      recording?.cancel();
      return failure(500, `Could not enable CPU profiling: ${(error as Error).message}`);
    } finally {
      stopped.abort();
      cpuProfiling = false;
    }
  }

  #exceedsTimeout(request: PprofRequest, seconds: bigint): boolean {
    const timeout = this.#settings.writeTimeout ?? request.writeTimeout;
    return seconds > BigInt(this.#settings.maxSeconds) || (timeout !== null && Number(seconds) >= timeout);
  }

  #busy(): PprofAnswer {
    const answer = failure(
      503,
      `too many collections at once: ${this.#collections} are running, and maxCollections is ${this.#settings.maxCollections}`,
    );
    return { ...answer, headers: { ...answer.headers, 'Retry-After': '1' } };
  }

  async #symbol(request: PprofRequest): Promise<PprofAnswer> {
    let input = request.rawQuery;
    if (request.method === 'POST') {
      const body = await request.readBody(LONGEST_BODY);
      if (body === null) return failure(413, `the request is longer than ${LONGEST_BODY} bytes`);
      input = Buffer.from(body).toString('latin1');
    }
    let result = 'num_symbols: 1\n';
    const addresses: bigint[] = [];
    let problem = '';
    for (const word of input.split('+')) {
      if (word.length >= LONGEST_WORD) {
        problem = 'reading request: bufio: buffer full\n';
        break;
      }
      const { value } = parseUint64(word);
      if (value !== 0n) addresses.push(value);
    }
    if (addresses.length > 0) {
      const names = addressNames(await inSlices(whole('heap', await this.#heaps.collect('heap'))));
      for (const address of addresses) {
        // pprof takes the addresses in the text form for return addresses, so it asks for the byte before each.
        const name = names.get(address.toString(16)) ?? names.get((address + 1n).toString(16));
        if (name !== undefined) result += `0x${address.toString(16)} ${name}\n`;
      }
    }
    return { status: 200, headers: TEXT, body: encoder.encode(result + problem) };
  }

  async #index(request: PprofRequest): Promise<PprofAnswer> {
    const { heaps, counts, absent } = await this.#heaps.overview();
    const profiles: ProfileEntry[] = [];
    for (const [name, description] of Object.entries({ ...HEAP_PROFILES, ...OTHER_PROFILES })) {
      profiles.push({ name, description, count: counts.get(name) ?? null });
    }
    profiles.sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = indexPage({
      path: `${this.#settings.prefix}/`,
      heapUrl: `http://${request.host || 'localhost'}${this.#settings.prefix}/heap`,
      profiles,
      heaps,
      missing: absentLines(absent),
      version: VERSION,
    });
    return {
      status: 200,
      headers: {
        ...NOSNIFF,
        ...absentHeader(absent),
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      },
      body: encoder.encode(page),
    };
  }
}

/** Function names by address, in hexadecimal. */
function addressNames({ model }: HeapProfile): Map<string, string> {
  const names = new Map<string, string>();
  for (const { address, lines } of model.locations) {
    const name = model.functions[lines[0]?.function ?? -1]?.name;
    if (name !== undefined) names.set(address.toString(16), name);
  }
  return names;
}

/** What Request.FormValue sees: the query, and the fields of a posted form. */
async function readForm(request: PprofRequest): Promise<ReadonlyMap<string, string>> {
  const query = parseQuery(request.rawQuery);
  if (!/^(POST|PUT|PATCH)$/.test(request.method)) return query;
  const type = request.contentType.split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded' && type !== 'multipart/form-data') return query;
  const body = await request.readBody(LONGEST_BODY);
  if (body === null) return query;
  if (type === 'application/x-www-form-urlencoded') {
    return new Map([...query, ...parseQuery(Buffer.from(body).toString('utf8'))]);
  }
  const form = new Map(query);
  try {
    const headers = { 'Content-Type': request.contentType };
    const fields = await new Response(body as Uint8Array<ArrayBuffer>, { headers }).formData();
    fields.forEach((value, key) => {
      if (typeof value === 'string' && !form.has(key)) form.set(key, value);
    });
  } catch {
    // A form that cannot be read has no fields, as in Go.
  }
  return form;
}

/** strconv.Atoi, ignoring its error. */
function atoi(value: string | undefined): bigint {
  return parseInt64(value ?? '').value;
}

function text(status: number, content: string, headers: Record<string, string> = {}): PprofAnswer {
  return { status, headers: { ...TEXT, ...headers }, body: encoder.encode(content) };
}

function* messageOf(profile: HeapProfile, maxSamples: number | null): Steps<Uint8Array> {
  const shown = maxSamples === null ? profile : yield* cut(profile, maxSamples);
  return yield* encodeMessage(shown.model);
}

const GZIP_CHUNK = 2 ** 20;

/** Compresses in another thread. */
function gzipped(message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    gzip(message, { level: DEFAULT_LEVEL, chunkSize: GZIP_CHUNK }, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

function attachment(
  filename: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): PprofAnswer {
  return {
    status: 200,
    headers: { ...BINARY, ...headers, 'Content-Disposition': `attachment; filename="${filename}"` },
    body,
  };
}

/** An error in the words of Go's serveError. */
export function failure(status: number, message: string): PprofAnswer {
  return text(status, `${message}\n`, { 'X-Go-Pprof': '1' });
}

/** What a Go server answers for paths that it does not know or cannot decode. */
export function notFound(rawPath: string): PprofAnswer {
  return percentDecoded(rawPath) === null ? badPath() : text(404, '404 page not found\n');
}

function badPath(): PprofAnswer {
  return text(400, '400 Bad Request', { Connection: 'close' });
}

function redirect({ method, rawQuery }: PprofRequest, path: string): PprofAnswer {
  const location = escapePath(path) + (rawQuery === '' ? '' : `?${rawQuery}`);
  const page = method === 'GET' || method === 'HEAD';
  return {
    status: 301,
    headers: {
      ...NOSNIFF,
      Location: location,
      ...(page ? { 'Content-Type': 'text/html; charset=utf-8' } : {}),
    },
    body: encoder.encode(
      method === 'GET' ? `<a href="${escapeHtml(location)}">Moved Permanently</a>.\n\n` : '',
    ),
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
