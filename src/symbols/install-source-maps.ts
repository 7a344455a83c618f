// Lets symbolizers read source maps. It is imported for its effect.

import { useSourceMaps } from './parts.ts';
import { SourcePositions } from './source-positions.ts';

useSourceMaps((map) => new SourcePositions(map));
