// Makes the call stacks of contexts. The context tree shares outer parts, and so does the stack tree that is made
// of it. Each node of the context tree is looked up once, however many contexts are below it.

import { emptyStack, type Frame, type Stack, StackTree } from '../frames/index.ts';
import type { Ledger } from './ledger.ts';

/** The places of call sites in the source. */
export interface SiteSymbols {
  /** Frames of a call site, innermost first. */
  frames(site: number): readonly Frame[];
  /**
   * Whether the site is in the function by which the toolchain calls main. It is shown only for its own
   * allocations.
   */
  isStartUp(site: number): boolean;
}

/** Reads the stacks of contexts at one moment. Make a new one after the guest has run. */
export class ContextStacks {
  readonly #ledger: Ledger;
  readonly #symbols: SiteSymbols;
  /** The tree to which the stacks belong. */
  readonly tree = new StackTree();
  /** The stack of each context, as its callees have it. */
  readonly #callers = new Map<number, Stack>();

  constructor(ledger: Ledger, symbols: SiteSymbols) {
    this.#ledger = ledger;
    this.#symbols = symbols;
  }

  /** The stack of these call sites, innermost first. */
  ofSites(sites: readonly number[]): Stack {
    return this.#withInnermost(sites[0], this.#below(sites, emptyStack));
  }

  /** The stack of the context at this node address; the empty stack for address 0. */
  of(node: number): Stack {
    const pending: { readonly address: number; readonly sites: readonly number[] }[] = [];
    let innermost: number | undefined;
    let stack = emptyStack;
    for (const context of this.#ledger.callers(node)) {
      innermost ??= context.sites[0];
      const known = this.#callers.get(context.address);
      if (known !== undefined) {
        stack = known;
        break;
      }
      pending.push(context);
    }
    for (const { address, sites } of pending.reverse()) {
      stack = this.#below(sites, stack);
      this.#callers.set(address, stack);
    }
    return this.#withInnermost(innermost, stack);
  }

  /** Call sites, innermost first, on top of a stack. */
  #below(sites: readonly number[], caller: Stack): Stack {
    let stack = caller;
    for (let i = sites.length - 1; i >= 0; i--) {
      const site = sites[i]!;
      if (!this.#symbols.isStartUp(site)) stack = this.tree.push(this.#symbols.frames(site), stack);
    }
    return stack;
  }

  #withInnermost(site: number | undefined, stack: Stack): Stack {
    if (site === undefined || !this.#symbols.isStartUp(site)) return stack;
    return this.tree.push(this.#symbols.frames(site), stack);
  }
}
