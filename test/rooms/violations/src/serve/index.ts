import { inner } from '../binary/inner.ts';

export const serve = inner;
