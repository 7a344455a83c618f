// Lets symbolizers read the names of Rust's functions. It is imported for its effect.

import { useRustNames } from './parts.ts';
import * as names from './rust-names.ts';

useRustNames(names);
