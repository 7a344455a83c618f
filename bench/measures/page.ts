// How long a large page takes in Chromium: to open, and for each frame while the flame graph is zoomed, moved and
// searched. The profile is made up, because no corpus has so many contexts.
import type { Browser, CDPSession } from 'playwright-core';
import { profilePage } from '../../src/page/index.ts';
import { HeapProfile, ProfileBuilder, SAMPLE_TYPES } from '../../src/profile/index.ts';
import { type ShownPage, showPage, startBrowser } from '../../test/page/shown-page.ts';
import { randomFrom } from '../../test/support/random.ts';
import { bar, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { spread } from '../statistics.ts';

const SAMPLES = 100_000;
/** The largest page that is opened, once, without --quick. */
const MOST_SAMPLES = 1_000_000;
const DEPTH = 60;
const FUNCTIONS = 5000;
const FILES = 200;
/** A sample differs from the one before it in its innermost frames: in so many on average. */
const INNERMOST = 12;
/** Steps of a gesture, one in each frame. */
const STEPS = 120;
const OPENED = 'heapline-opened';
/** tsx has functions call this to keep their names, also those that run in the page. */
const NAMING = 'globalThis.__name = (each) => each;\n';
const GESTURES = ['zoom', 'pan', 'search'] as const;
type Gesture = (typeof GESTURES)[number];

/** A profile with as many samples, each of the same depth. Neighbours share their outer frames, as in real heaps. */
function largeProfile(samples: number): HeapProfile {
  const random = randomFrom(60);
  const builder = new ProfileBuilder({
    kind: 'heap',
    sampleTypes: SAMPLE_TYPES.heap,
    defaultSampleType: 'inuse_space',
  });
  const module = builder.moduleMapping('large.wasm', FUNCTIONS * 64);
  const locations = Array.from({ length: FUNCTIONS * 4 }, (_, i) => {
    const at = i % FUNCTIONS;
    const name = `function_${at}`;
    const line = 1 + ((i * 7) % 4000);
    const owner = builder.function(name, '', `src/file_${at % FILES}.c`, 1);
    return builder.location(module, builder.moduleStart(module) + i * 16, [
      { function: owner, line, column: 1 },
    ]);
  });
  // The stack at each depth. 0 is the empty stack.
  const stacks: number[] = [0];
  for (let i = 0; i < samples; i++) {
    let shared = Math.min(stacks.length - 1, DEPTH - 1);
    while (shared > 0 && random(INNERMOST) !== 0) shared--;
    stacks.length = shared + 1;
    while (stacks.length <= DEPTH) {
      stacks.push(builder.stack(stacks.at(-1)!, locations[random(locations.length)]!));
    }
    const objects = 1 + random(20);
    const bytes = objects * (16 + random(500));
    builder.sample(stacks[DEPTH]!, [objects * 3, bytes * 3, objects, bytes]);
  }
  return new HeapProfile(builder.finish());
}

/** Marks the first frame in which the flame graph is drawn. Runs in the page before its own code. */
function markOpening(mark: string): void {
  const look = (): void => {
    if (document.querySelector('.graph canvas') === null) requestAnimationFrame(look);
    else requestAnimationFrame(() => performance.mark(mark));
  };
  requestAnimationFrame(look);
}

/** A page that is open, and the milliseconds from the navigation to the drawn flame graph. */
async function opened(browser: Browser, html: string): Promise<ShownPage & { readonly time: number }> {
  const shown = await showPage(browser, html);
  const { page } = shown;
  await page.addInitScript({ content: `${NAMING}(${markOpening})(${JSON.stringify(OPENED)});` });
  await shown.go('#icicle=1');
  await page.waitForFunction((mark) => performance.getEntriesByName(mark).length > 0, OPENED);
  const time = await page.evaluate((mark) => performance.getEntriesByName(mark)[0]!.startTime, OPENED);
  return { ...shown, time };
}

/** A page of so many samples. */
const pageOf = (samples: number): string =>
  profilePage(largeProfile(samples), { title: 'large', sources: false });

/** Makes one step of a gesture in each frame; returns the milliseconds of each frame. Runs in the page. */
async function frameTimes({ gesture, steps }: { gesture: Gesture; steps: number }): Promise<number[]> {
  const canvas = document.querySelector<HTMLCanvasElement>('.graph canvas')!;
  const search = document.querySelector<HTMLInputElement>('input[type=search]')!;
  const { left, top, width } = canvas.getBoundingClientRect();
  const clientY = top + 10;
  const bubbles = true;
  const middle = left + width / 2;
  const step = (i: number): void => {
    const isFirstHalf = i < steps / 2;
    if (gesture === 'zoom') {
      const deltaY = isFirstHalf ? -60 : 60;
      const wheel = { deltaY, ctrlKey: true, clientX: middle, clientY, bubbles, cancelable: true };
      canvas.dispatchEvent(new WheelEvent('wheel', wheel));
    } else if (gesture === 'pan') {
      const clientX = middle + (isFirstHalf ? i : steps - i) * 8;
      window.dispatchEvent(new PointerEvent('pointermove', { clientX, clientY }));
    } else {
      // Types a name letter by letter, again and again.
      search.value = 'function_1234'.slice(0, 1 + (i % 13));
      search.dispatchEvent(new InputEvent('input', { bubbles }));
    }
  };
  const frame = (): Promise<number> =>
    new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())));
  if (gesture === 'pan') {
    const wheel = { deltaY: -1500, ctrlKey: true, clientX: middle, clientY, bubbles, cancelable: true };
    canvas.dispatchEvent(new WheelEvent('wheel', wheel));
    canvas.dispatchEvent(new PointerEvent('pointerdown', { button: 0, clientX: middle, clientY, bubbles }));
  }
  const times: number[] = [];
  let last = await frame();
  for (let i = 0; i < steps; i++) {
    step(i);
    const now = await frame();
    times.push(now - last);
    last = now;
  }
  if (gesture === 'pan') window.dispatchEvent(new PointerEvent('pointerup', { clientX: middle, clientY }));
  return times;
}

/** Processor time of the page's thread so far, in milliseconds. */
async function processorTime(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1e3;
}

export async function measurePage({ quick, progress }: Setting): Promise<Outcome> {
  progress('page: making the profile');
  const html = pageOf(SAMPLES);
  const openings: number[] = [];
  let largest: number | null = null;
  const frames: Record<Gesture, number[]> = { zoom: [], pan: [], search: [] };
  const processor: Record<Gesture, number[]> = { zoom: [], pan: [], search: [] };
  const browser = await startBrowser();
  try {
    const rounds = quick ? 3 : 7;
    for (let round = 0; round < rounds; round++) {
      progress(`page: round ${round + 1} of ${rounds}`);
      const { page, time, close } = await opened(browser, html);
      openings.push(time);
      const session = await page.context().newCDPSession(page);
      await session.send('Performance.enable', { timeDomain: 'threadTicks' });
      for (const gesture of GESTURES) {
        const before = await processorTime(session);
        frames[gesture].push(...(await page.evaluate(frameTimes, { gesture, steps: STEPS })));
        processor[gesture].push(((await processorTime(session)) - before) / STEPS);
      }
      await close();
    }
    if (!quick) {
      progress('page: opening the largest');
      const { time, close } = await opened(browser, pageOf(MOST_SAMPLES));
      largest = time;
      await close();
    }
  } finally {
    await browser.close();
  }
  const rows = GESTURES.map((gesture) => ({
    gesture,
    frame: spread(frames[gesture]),
    processor: spread(processor[gesture]),
    missed: frames[gesture].filter((time) => time > 25).length / frames[gesture].length,
  }));
  const open = spread(openings);
  return {
    tables: [
      {
        title: `A page of ${SAMPLES.toLocaleString('en-US')} samples with ${DEPTH} frames in Chromium`,
        columns: ['what', 'ms', 'of them processor', 'frames missed'],
        rows: [
          ['open, until the flame graph is drawn', withQuartiles(open), '', ''],
          ...(largest === null
            ? []
            : [[`open ${MOST_SAMPLES.toLocaleString('en-US')} samples, once`, number(largest), '', '']]),
          ...rows.map(({ gesture, frame, processor, missed }) => [
            `${gesture}, for each frame`,
            withQuartiles(frame),
            withQuartiles(processor),
            `${number(missed * 100)} %`,
          ]),
        ],
        notes: [
          "Wall time, so other programs of the machine count, and the processor time of the page's thread.",
          'A frame is missed when it takes longer than 25 ms; the screen shows one every 16.7 ms.',
        ],
      },
    ],
    bars: [
      bar('page: ms to open', open.median, 1500, 'lower'),
      ...rows.map(({ gesture, frame }) => bar(`page: ms of a frame, ${gesture}`, frame.median, 17, 'lower')),
    ],
    data: { open, largest, rows },
  };
}
