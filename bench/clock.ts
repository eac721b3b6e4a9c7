/** Milliseconds on a clock that all processes of one machine share, and that nobody sets. */
export const sharedClockMs = (): number => Number(process.hrtime.bigint()) / 1e6;
