// What the page shows now: the chosen profile, or two that are compared, after filters, with its sums. Everything that
// views need is computed when the first of them asks for it.

import {
  HeapProfile,
  hasUnusedExpression,
  type ProfileModel,
  type SampleType,
  type TopRow,
} from '../profile/index.ts';
import { type Filters, filtered, hiddenWrappers, labelValues, SHOWN } from './filters.ts';
import { type FrameTree, frameTree } from './frame-tree.ts';
import { SIDE, together } from './loaded-page.ts';
import type { PageState } from './page-state.ts';

/** A row of the table. In a comparison it also has what was there before. */
export interface ShownRow extends TopRow {
  readonly flatBefore: number;
  readonly cumBefore: number;
}

export class ShownProfile {
  /** The profile before filters, which settle its expressions. */
  readonly #given: ProfileModel;
  readonly #model: ProfileModel;
  /** Both sides of a comparison, filtered. */
  readonly #before: ProfileModel | null;
  readonly #now: ProfileModel;
  readonly column: number;
  readonly sampleTypes: readonly SampleType[];
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** The functions that allocate for their callers. */
  readonly wrappers: readonly string[];
  #tree: FrameTree | null = null;
  #total: number | null = null;
  #showsDropped: boolean | null = null;
  #totalBefore: number | null = null;

  /**
   * @param before the earlier profile; null when nothing is compared
   * @param wrappers whether functions that allocate for their callers are left out
   */
  constructor(
    now: ProfileModel,
    before: ProfileModel | null,
    filters: Filters,
    type: string,
    wrappers: PageState['wrappers'],
  ) {
    this.#given = now;
    this.wrappers = hiddenWrappers(before === null ? [now] : [now, before], 'hidden');
    const hidden = wrappers === 'hidden' ? this.wrappers : [];
    this.#now = filtered(now, filters, hidden);
    this.#before = before && filtered(before, filters, hidden);
    this.#model = this.#before === null ? this.#now : together(this.#before, this.#now);
    this.sampleTypes = now.sampleTypes;
    this.labels = labelValues(now, SIDE);
    const asked = this.sampleTypes.findIndex((each) => each.type === type);
    const usual = this.sampleTypes.findIndex((each) => each.type === now.defaultSampleType);
    this.column = asked >= 0 ? asked : usual >= 0 ? usual : this.sampleTypes.length - 1;
  }

  get sampleType(): SampleType {
    return this.sampleTypes[this.column]!;
  }

  /** Whether frames are shown that the profile would leave out, because a page cannot use its expressions. */
  get showsDropped(): boolean {
    this.#showsDropped ??= hasUnusedExpression(this.#given);
    return this.#showsDropped;
  }

  get unit(): string {
    return this.sampleType.unit;
  }

  /** Whether two profiles are compared, or one is a difference. */
  get compared(): boolean {
    return this.tree.before !== null;
  }

  get tree(): FrameTree {
    this.#tree ??= frameTree(this.#model, this.column);
    return this.#tree;
  }

  /** Sum over all samples, as `profile.total()` has it. */
  get total(): number {
    this.#total ??= new HeapProfile(this.#now).total(this.sampleType.type);
    return this.#total;
  }

  get totalBefore(): number {
    if (this.#before === null) return 0;
    this.#totalBefore ??= new HeapProfile(this.#before).total(this.sampleType.type);
    return this.#totalBefore;
  }

  /** The table, as `profile.topRows()` has it. */
  rows(by: PageState['by'], sort: PageState['sort']): ShownRow[] {
    const options = { sampleType: this.sampleType.type, granularity: by, sort, wrappers: SHOWN };
    const now = new HeapProfile(this.#now).topRows(options);
    if (this.#before === null) return now.map((row) => ({ ...row, flatBefore: 0, cumBefore: 0 }));
    const key = (row: TopRow): string => `${row.function}\0${row.file}\0${row.line}`;
    const earlier = new Map(new HeapProfile(this.#before).topRows(options).map((row) => [key(row), row]));
    const rows = now.map((row): ShownRow => {
      const before = earlier.get(key(row));
      earlier.delete(key(row));
      return { ...row, flatBefore: before?.flat ?? 0, cumBefore: before?.cum ?? 0 };
    });
    for (const row of earlier.values()) {
      const objects = row.flatObjects === null ? null : 0;
      const none = { flat: 0, cum: 0, flatObjects: objects, cumObjects: objects };
      rows.push({ ...row, ...none, flatBefore: row.flat, cumBefore: row.cum });
    }
    const change = (row: ShownRow): number =>
      Math.abs(sort === 'flat' ? row.flat - row.flatBefore : row.cum - row.cumBefore);
    return rows.sort((a, b) => change(b) - change(a));
  }
}
