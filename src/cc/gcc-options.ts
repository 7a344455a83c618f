// Options that gcc has and clang does not know, and that change nothing that a program can see: how gcc optimises,
// reports, analyses and writes debug information, and how it uses an x86 processor. Builds that were written for gcc
// pass them, and clang would reject them. The families are those of `gcc --help=common,optimizers,target`.

const words = (text: string): string => text.trim().split(/\s+/).join('|');

/** Families of passes: every option that begins with one of these names, such as -fno-tree-vectorize. */
const PASSES = words(`
  aggressive-loop argument branch btr check-data code-hoisting combine-stack cprop cse devirtualize gcse graphite
  harden if-conversion ipa ira isolate-erroneous loop lra modulo-sched move-loop optimize peephole rerun reschedule sched2?
  schedule sel-sched selective-scheduling shrink-wrap split-ivs split-loops split-paths split-wide ssa tree unroll
  variable-expansion vect version-loops
`);

/** Single passes, and what gcc does to variables and functions that no program can ask for. */
const SINGLE = words(`
  allocation-dce allow-store-data-races auto-inc-dec bit-tests compare-elim conserve-stack crossjumping dce delayed-branch
  delete-dead-exceptions dse early-inlining fold-simple-inlines forward-propagate fp-int-builtin-inexact function-cse
  gnu-unique guess-branch-probability hoist-adjacent-loads indirect-inlining inhibit-size-directive inline-atomics
  inline-limit keep-gc-roots-live keep-static-functions large-source-files lifetime-dse limit-function-alignment
  live-patching live-range-shrinkage merge-debug-strings nothrow-opt partial-inlining pcc-struct-return predictive-commoning
  printf-return-value random-seed record-gcc-switches ree reg-struct-return regmove rename-registers reorder-functions section-anchors stack-limit\\S* stdarg-opt
  store-merging strict-volatile-bitfields sync-libcalls thread-jumps toplevel-reorder trampolines unconstrained-commons vpt
  web zee excess-precision
`);

/** Reports, dumps, analyses, and how messages look. */
const REPORTS = words(`
  analyzer\\S* callgraph-info canonical-system-headers checking compare-debug\\S* dbg-cnt\\S* debug-cpp
  diagnostics-(?:generate-patch|plain-output|show-(?:caret|cwe|labels|path-depths)|column-unit|minimum-margin-width|urls)
  dump\\S* mem-report\\S* opt-info\\S* pch-\\S+ post-ipa-mem-report pre-ipa-mem-report preprocessed report-bug
  time-report-details track-macro-expansion working-directory
`);

const DEBUG_INFORMATION = words(`
  eliminate-dwarf2-dups emit-class-debug-always emit-struct-debug-\\S+ var-tracking\\S*
`);

const X86 = words(`
  80387 128bit-long-double 96bit-long-double 8bit-idiv align-stringops android bionic call-ms2sysv-xlogues cet-switch cld default
  direct-extern-access dispatch-scheduler dump-tune-features fancy-math-387 force-drap force-indirect-call fp-ret-in-387
  fused-madd general-regs-only hard-float ieee-fp inline-all-stringops inline-stringops-dynamically manual-endbr mitigate-rop musl
  needed nop-mcount pc32 pc64 pc80 prefer-avx128 push-args record-mcount record-return relax-cmpxchg-loop stv
  vect8-ret-in-mem vzeroupper x87
`);

const PATTERNS: readonly RegExp[] = [
  new RegExp(`^-f(?:no-)?(?:${PASSES})(?:\\d|-\\S+)?(?:=.*)?$`),
  new RegExp(`^-f(?:no-)?(?:${SINGLE}|${REPORTS}|${DEBUG_INFORMATION})(?:=.*)?$`),
  new RegExp(`^-m(?:no-)?(?:${X86})$`),
  // Without the option, clang does the same.
  /^-fno-(?:diagnostics-parseable-fixits|force-addr|instrument-functions|profile\S*|stack-usage|syntax-only|time-report|trapv)$/,
  // Debug information is DWARF of 32 bits, whatever is asked for.
  /^-g(?:coff|stabs|vms|xcoff)\+?\d?$|^-gdwarf64$|^-gtoggle$/,
  /^-g(?:no-)?(?:as-loc\S*|btf|ctf\d?|describe-dies|inline-points|internal-reset-\S+|statement-frontiers|variable-location-views\S*)$/,
  /^--param=/,
];

/** True for an option that only gcc knows and that changes nothing that a program can see. */
export function isOfGccAlone(option: string): boolean {
  return PATTERNS.some((pattern) => pattern.test(option));
}
