export { inner as door } from './inner.ts';
