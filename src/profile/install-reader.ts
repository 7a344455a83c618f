// Lets HeapProfile.decode() read profiles. Entries of the package import this file for its effect.

import { decodeProfile } from './decode.ts';
import { useProfileReader } from './reader.ts';

useProfileReader(decodeProfile);
