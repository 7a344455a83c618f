// The programs that are measured: allocation kernels of our own (kernels/*.c, each `int run(int scale)`) and the real
// programs of the test corpora (each a driver with `int workload(int scale)`).
import { fileURLToPath } from 'node:url';

/** The role of a program in the bars. */
export type Role = 'real' | 'churn' | 'pair' | 'adversarial' | 'hostile' | 'calls' | 'mixed';

/** One C program that can be measured. */
export interface Program {
  readonly name: string;
  readonly role: Role;
  /** Absolute paths. */
  readonly sources: readonly string[];
  /** Our headers that the sources include: a change of them rebuilds the program. Absolute paths. */
  readonly headers: readonly string[];
  /** Compiler flags besides the common ones of build.ts: -I, -D, warnings. */
  readonly flags: readonly string[];
  /** Exported function, `int (int scale)`, that does the work and returns a checksum. */
  readonly entry: string;
  /** Argument of a sample, chosen so that the plain build takes some 10 to 40 ms. */
  readonly scale: number;
}

export const kernelFolder: string = fileURLToPath(new URL('kernels/', import.meta.url));

const kernel = (name: string, role: Role, scale: number): Program => ({
  name,
  role,
  sources: [`${kernelFolder}${name}.c`],
  headers: [`${kernelFolder}kernel.h`],
  flags: [],
  entry: 'run',
  scale,
});

export const kernels: readonly Program[] = [
  kernel('pair', 'pair', 20),
  kernel('churn', 'churn', 5),
  kernel('exchange', 'mixed', 2),
  kernel('sizes', 'mixed', 2),
  kernel('grow', 'mixed', 8),
  kernel('large', 'mixed', 1),
  kernel('bignum', 'mixed', 40),
  kernel('cubes', 'mixed', 2),
  kernel('trees', 'adversarial', 16),
  kernel('deep', 'adversarial', 8),
  kernel('scatter', 'hostile', 4),
  kernel('calls', 'calls', 3),
];

/** The kernels that every tool runs, so that one table can compare all of them. */
export const comparedKernels: readonly Program[] = kernels.filter((k) =>
  ['churn', 'bignum', 'trees'].includes(k.name),
);

/** The kernel whose time per step is what tables call one malloc+free, and its steps for one unit of scale. */
export const PAIR_KERNEL = 'churn';
export const PAIRS = 100_000;

/** The smallest scale of a kernel, for tools that are ten thousand times slower. The scale of trees is a depth. */
export const smallestScale = (program: Program): number => (program.name === 'trees' ? 14 : 1);
