// State that can be saved, and restored again and again. All that a guest consists of, beside its memory, has it.

/** Something with state. */
export interface Restorable {
  /** Saves the present state. Returns the function that restores it, as often as it is called. */
  save(): () => void;
}
