// The types of generated declarations: pointers that know in TypeScript what they point to, and views of records.

/**
 * A pointer to a value of the C type `Target`, such as `Pointer<'struct node'>`; 0 is NULL. For JavaScript it is a number.
 * `Pointer` alone is `void *`, which goes wherever a pointer goes. A number becomes a pointer by `as`.
 */
// biome-ignore lint/suspicious/noExplicitAny: void * goes in both directions, as in C
export type Pointer<Target extends string = any> =
  | 0
  | (number & {
      /** Exists for the compiler only. */
      readonly __pointsTo: Target;
    });

/** A struct, union or class in the memory of C. Its fields are read from memory whenever they are asked for. */
export interface StructView<Name extends string = string> {
  /** Where it is. */
  readonly $address: Pointer<Name>;
  /** Its type as C writes it. */
  readonly $type: Name;
  /** The address that a field of a pointer type holds, also where the field itself gives a text. */
  $pointer(field: string): Pointer;
  /** The address of a field. */
  $addressOf(field: string): Pointer;
  /** All fields as they are now, as JSON has them. */
  toJSON(): object;
}

/** The type of sandbox.view(): with declared types it knows their names and takes only pointers to them. */
// Made of methods, so that a sandbox with declared types is also one without.
export type ViewFunction<Types extends object> = string extends keyof Types
  ? {
      /** Reads a type at an address. */
      view(type: string, pointer: number): Types[keyof Types];
    }['view']
  : {
      /** Reads a type at an address. */
      view<Name extends string & keyof Types>(type: Name, pointer: Pointer<NoInfer<Name>>): Types[Name];
    }['view'];
