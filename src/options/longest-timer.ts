/** The longest delay of a timer, in milliseconds. A timer with a longer delay fires at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;
