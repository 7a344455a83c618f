import { serve } from '../serve/index.ts';

export const below = serve;
