// Answers the profile servers of other threads with the profiles that this thread would serve itself. Symbols are
// resolved here, where the modules are. The answers are bytes in pprof's format.

import { encodeMessage } from '../profile/index.ts';
import { type Answerer, now, type Request } from '../threads/index.ts';
import { heapOverview } from './heap-overview.ts';
import { collectGarbage } from './inspector.ts';
import { NO_SANDBOX, ProfileSource } from './profiles.ts';
import { sleep } from './sleep.ts';
import { inSlices } from './slices.ts';
import { sumsOf } from './statistics.ts';
import {
  type OverviewAnswer,
  type ProfileAnswer,
  type Question,
  readQuestion,
  type Sampling,
} from './thread-questions.ts';
import { CpuRecording } from './v8-cpu.ts';

/** A server of another thread that wants V8's heap sampled here. */
interface Sampler {
  readonly thread: number;
  readonly source: ProfileSource;
}

/** The answering half of this thread. */
export class ThreadAnswers implements Answerer {
  /** Only the sandboxes of this thread. */
  readonly #source = new ProfileSource({ sandboxes: null, samplingInterval: null });
  readonly #samplers = new Map<string, Sampler>();
  /** The CPU profiles that are being recorded, by the id of the request. */
  readonly #recordings = new Map<string, AbortController>();

  async answer(request: Request, working: () => void): Promise<object | null> {
    const question = readQuestion(request.question);
    if (question === null) throw new Error('it does not know the question');
    switch (question.what) {
      case 'collect':
        return this.#collect(question, this.#sourceFor(question.sampling, request));
      case 'overview':
        return this.#overview(this.#sourceFor(question.sampling, request));
      case 'record':
        return this.#record(question, request.id, working);
      case 'cancel':
        this.#recordings.get(question.id)?.abort();
        return null;
      case 'sample':
        this.#sourceFor(question.sampling, request);
        return null;
      case 'stop sampling':
        this.#stopSampling(question.server);
        return null;
    }
  }

  ended(threads: ReadonlySet<number>): void {
    for (const [server, { thread }] of this.#samplers) if (threads.has(thread)) this.#stopSampling(server);
  }

  /** The heaps that a server shows. They include V8's heap, sampled since the server first asked for it. */
  #sourceFor(sampling: Sampling | null, { from }: Request): ProfileSource {
    if (sampling === null) return this.#source;
    const { server, interval } = sampling;
    let sampler = this.#samplers.get(server);
    if (sampler === undefined) {
      sampler = {
        thread: from.id,
        source: new ProfileSource({ sandboxes: null, samplingInterval: interval }),
      };
      this.#samplers.set(server, sampler);
    }
    return sampler.source;
  }

  #stopSampling(server: string): void {
    this.#samplers.get(server)?.source.close();
    this.#samplers.delete(server);
  }

  async #collect(
    { kind, gc, sums }: Question & { what: 'collect' },
    source: ProfileSource,
  ): Promise<ProfileAnswer> {
    if (gc) await collectGarbage();
    const profile = await source.collect(kind);
    return {
      profile: profile.comments.includes(NO_SANDBOX)
        ? null
        : (await inSlices(encodeMessage(profile.model))).slice(),
      sums: sums ? await inSlices(sumsOf(source.sandboxes())) : null,
    };
  }

  async #overview(source: ProfileSource): Promise<OverviewAnswer> {
    const { heaps, counts } = await heapOverview(source);
    return { heaps, counts: [...counts] };
  }

  async #record(
    { interval, until }: Question & { what: 'record' },
    id: string,
    working: () => void,
  ): Promise<ProfileAnswer | null> {
    if (this.#recordings.size > 0) throw new Error('its CPU profile is being recorded for somebody else');
    const cancelled = new AbortController();
    this.#recordings.set(id, cancelled);
    try {
      const recording = await CpuRecording.start(interval);
      const whole = await sleep(until - now(), cancelled.signal);
      if (!whole) {
        recording.cancel();
        return null;
      }
      working();
      return {
        profile: recording.stop(this.#source.sandboxes()).encode({ level: 0 }),
        sums: null,
      };
    } finally {
      this.#recordings.delete(id);
    }
  }
}
