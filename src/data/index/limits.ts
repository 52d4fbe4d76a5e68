/** Files up to this size are read whole into one reused buffer. */
export const smallFile = 1 << 20;

/** Longer than one tick of the kernel's file clock, in milliseconds: what changes twice within one looks unchanged. */
export const tick = 12;
