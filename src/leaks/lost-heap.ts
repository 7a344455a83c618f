// The lost blocks of a heap, summed for a report. There is a group for the roots of each context. What hangs on the
// roots is summed by context, too, in the shape of a tree: a document's nodes hang on the document, and their texts on
// the nodes. A context that comes again further out on the way from the root counts there, so that a list of a
// thousand nodes is one part and not a chain of a thousand.

import { type BlockSum, countBlock, noBlocks } from './block-sum.ts';
import { LostStructures } from './lost-structures.ts';

/** Blocks of one context that hang on lost blocks. */
export interface LostPart extends BlockSum {
  /** Index of the part that points to them; -1 when the roots do. */
  readonly under: number;
}

/** Roots of one context and class, and what hangs on them. */
export interface LostGroup extends BlockSum {
  readonly kind: 'definite' | 'indirect';
  /** A part comes after the one that it hangs on. */
  readonly parts: readonly LostPart[];
}

/** Deepest tree. What hangs further down counts at this depth. */
const DEEPEST = 64;

/** Collects lost blocks, and groups them. */
export class LostHeap {
  readonly #address: number[] = [];
  readonly #size: number[] = [];
  readonly #age: number[] = [];
  readonly #node: number[] = [];
  /** Indices of the blocks that the scan calls definitely lost. */
  readonly #definite: number[] = [];

  /**
   * Adds a block. Blocks come in the order of their addresses.
   * @param age allocations since
   * @param node address of the context's node
   * @param definite whether the scan calls the block definitely lost; it says so of one block of each lost cycle
   */
  add(address: number, size: number, age: number, node: number, definite: boolean): void {
    if (definite) this.#definite.push(this.#address.length);
    this.#address.push(address);
    this.#size.push(size);
    this.#age.push(age);
    this.#node.push(node);
  }

  /**
   * The groups, in no particular order. All roots are definitely lost, unless lost blocks were left out. Then a
   * structure without a block that is definitely lost hangs on a block that was left out, and is indirectly lost.
   * @param words the words of linear memory
   * @param all whether all lost blocks of the heap were added
   */
  groups(words: Uint32Array, all: boolean): LostGroup[] {
    const structures = new LostStructures(this.#address, this.#size, this.#age, words);
    const definite = new Set(
      all ? structures.roots : this.#definite.map((block) => structures.rootOf(block)),
    );
    const groups = new Map<string, GroupInProgress>();
    for (const root of structures.roots) {
      const node = this.#node[root]!;
      const kind = definite.has(root) ? 'definite' : 'indirect';
      const key = `${kind} ${node}`;
      let group = groups.get(key);
      if (group === undefined) {
        group = new GroupInProgress(kind, node);
        groups.set(key, group);
      }
      this.#count(root, group.roots);
      this.#addParts(root, group, structures);
    }
    return [...groups.values()].map(({ kind, roots, parts }) => ({ ...roots, kind, parts }));
  }

  #addParts(root: number, group: GroupInProgress, structures: LostStructures): void {
    const partOf = new Map([[root, -1]]);
    structures.walk(root, (block, holder) => {
      const part = group.partFor(partOf.get(holder)!, this.#node[block]!);
      partOf.set(block, part);
      this.#count(block, group.parts[part]!);
    });
  }

  #count(block: number, sum: BlockSum): void {
    countBlock(sum, this.#address[block]!, this.#size[block]!, this.#age[block]!);
  }
}

class GroupInProgress {
  readonly roots: BlockSum;
  readonly parts: (LostPart & { readonly depth: number })[] = [];
  /** Index of a part by the part that it hangs on and its context. */
  readonly #index = new Map<number, Map<number, number>>();

  constructor(
    readonly kind: 'definite' | 'indirect',
    node: number,
  ) {
    this.roots = noBlocks(node);
  }

  /** The part for blocks of this context that hang on blocks of the part `holder`. */
  partFor(holder: number, node: number): number {
    for (let at = holder; at >= 0; at = this.parts[at]!.under) {
      if (this.parts[at]!.node === node) return at;
    }
    const isDeep = holder >= 0 && this.parts[holder]!.depth === DEEPEST;
    const under = isDeep ? this.parts[holder]!.under : holder;
    let ofHolder = this.#index.get(under);
    if (ofHolder === undefined) {
      ofHolder = new Map();
      this.#index.set(under, ofHolder);
    }
    let part = ofHolder.get(node);
    if (part === undefined) {
      const depth = under < 0 ? 1 : this.parts[under]!.depth + 1;
      part = this.parts.push({ ...noBlocks(node), under, depth }) - 1;
      ofHolder.set(node, part);
    }
    return part;
  }
}
