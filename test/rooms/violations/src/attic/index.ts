import { door } from '../binary/index.ts';

export const kept = door;
