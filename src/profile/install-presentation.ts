// Lets profiles use the code by which people look at them. Entries of the package import this file for its effect.

import { usePresentation } from './installed-presentation.ts';
import * as presentation from './presentation.ts';

usePresentation(presentation);
