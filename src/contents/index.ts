// What blocks of the heap contain: their types and fields, for reports about them.

export { AllocationTypes, type ContentsMemory } from './heap-contents.ts';
export { contentsOfGroups, type SampledGroup, type SampledSum } from './sampled.ts';
