// Whether whole matrices run, with HEAPLINE_FULL=1, or only what tells most about each row and column of them.

export const FULL = process.env.HEAPLINE_FULL === '1';
