// V8's CPU profile as a pprof profile with the sample types of Go's: samples/count and cpu/nanoseconds. C functions
// appear at the lines of their declarations, because the engine knows which wasm function runs but not where in it.
// Time in the engine's bridges between the languages and in Heapline's thunks is charged to their callers.

import { type Frame, WASM } from '../frames/index.ts';
import { HeapProfile, ProfileBuilder, type SampleType, VERSION } from '../profile/index.ts';
import type { Sandbox } from '../sandbox/index.ts';
import { ownThreadLabel } from '../threads/index.ts';
import { type CallFrame, InspectorSession } from './inspector.ts';
import { isWasm, scriptFrame, wasmFrames } from './script-frames.ts';

interface CpuNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  /** Microseconds on V8's own clock. */
  readonly startTime: number;
  readonly endTime: number;
  /** The node of each sample. */
  readonly samples?: readonly number[];
  /** Microseconds between each sample and the one before it. */
  readonly timeDeltas?: readonly number[];
}

/** The sample types of Go's CPU profiles. */
export const CPU_SAMPLE_TYPES: readonly SampleType[] = [
  { type: 'samples', unit: 'count' },
  { type: 'cpu', unit: 'nanoseconds' },
];

/** Nodes that stand for no work: the root, and waiting for events. */
const NO_WORK = new Set(['(root)', '(idle)']);

/** A CPU profile while it is being recorded. */
export class CpuRecording {
  private constructor(
    private readonly session: InspectorSession,
    private readonly interval: number,
    private readonly startedAt: number,
  ) {}

  /** Starts recording, with one sample every `interval` microseconds. */
  static async start(interval: number): Promise<CpuRecording> {
    const session = await InspectorSession.open();
    session.send('Profiler.enable');
    session.send('Profiler.setSamplingInterval', { interval });
    session.send('Profiler.start');
    return new CpuRecording(session, interval, Date.now());
  }

  /** Stops recording and drops the samples. */
  cancel(): void {
    this.session.send('Profiler.stop');
    this.session.close();
  }

  /** Stops recording. C functions are looked up in these sandboxes. */
  stop(sandboxes: readonly Sandbox<object>[]): HeapProfile {
    const { profile } = this.session.send<{ profile: CpuProfile }>('Profiler.stop');
    this.session.close();
    return cpuProfile(profile, this.interval, this.startedAt, sandboxes);
  }
}

function cpuProfile(
  profile: CpuProfile,
  interval: number,
  startedAt: number,
  sandboxes: readonly Sandbox<object>[],
): HeapProfile {
  const builder = new ProfileBuilder({
    kind: 'other',
    sampleTypes: CPU_SAMPLE_TYPES,
    defaultSampleType: 'cpu',
    timeNanos: BigInt(startedAt) * 1_000_000n,
    durationNanos: BigInt(Math.max(1, Math.round(profile.endTime - profile.startTime))) * 1000n,
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: interval * 1000,
    comments: [`heapline ${VERSION}`],
  });
  const guests = wasmFrames(
    profile.nodes.map(({ callFrame }) => callFrame),
    sandboxes,
  );
  builder.hostMapping();
  let guest = -1;
  const locationOf = (frame: Frame, offset: number): number => {
    if (frame.language === 'js') return builder.hostLocation(frame);
    if (guest < 0) guest = builder.moduleMapping(WASM, 2 ** 32 - 2);
    return builder.frameLocation(guest, builder.moduleStart(guest) + offset, [frame]);
  };

  // Parents come before their children in the list; each node has the ids of its children.
  const stackOf = new Map<number, number>();
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const root = profile.nodes[0];
  if (root !== undefined) {
    stackOf.set(root.id, 0);
    const pending = [root];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      const parent = stackOf.get(node.id)!;
      for (const id of node.children ?? []) {
        const child = byId.get(id);
        if (child === undefined) continue;
        const frame = isWasm(child.callFrame) ? guests(child.callFrame) : scriptFrame(child.callFrame);
        stackOf.set(
          id,
          frame === null
            ? parent
            : builder.stack(parent, locationOf(frame, Math.max(0, child.callFrame.columnNumber))),
        );
        pending.push(child);
      }
    }
  }

  const counts = new Map<number, [number, number]>();
  const { samples = [], timeDeltas = [] } = profile;
  for (const [i, id] of samples.entries()) {
    const node = byId.get(id);
    if (node === undefined || NO_WORK.has(node.callFrame.functionName)) continue;
    // The function that runs at one sample is assumed to run until the next sample.
    const microseconds = Math.max(0, timeDeltas[i + 1] ?? interval);
    const stack = stackOf.get(id) ?? 0;
    const values = counts.get(stack);
    if (values === undefined) counts.set(stack, [1, microseconds * 1000]);
    else {
      values[0]++;
      values[1] += microseconds * 1000;
    }
  }
  const labels = builder.labels([{ key: 'thread', text: ownThreadLabel() }]);
  for (const [stack, values] of counts) if (stack !== 0) builder.sample(stack, values, labels);
  return new HeapProfile(builder.finish());
}
