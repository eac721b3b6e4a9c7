const cleanUps = new Set<() => void>();

/**
 * Does it when this process ends, by itself or by a signal that `exitOnSignals` has made an end of: what it starts must
 * not stay behind. Only what is done at once counts then. Gives the way to do it now, which is then done once.
 */
export function atExit(cleanUp: () => void): () => void {
  if (cleanUps.size === 0) process.once("exit", cleanAll);
  cleanUps.add(cleanUp);
  return () => {
    if (cleanUps.delete(cleanUp)) cleanUp();
    if (cleanUps.size === 0) process.off("exit", cleanAll);
  };
}

/** The newest first, as others may stand on the older ones. */
function cleanAll(): void {
  for (const cleanUp of [...cleanUps].toReversed()) {
    try {
      cleanUp();
    } catch {
      // The others have to be done all the same.
    }
  }
  cleanUps.clear();
}

/** For programs: Ctrl+C and `kill` end the process as its own end does. Without this it would just be gone. */
export function exitOnSignals(): void {
  for (const [signal, number] of [
    ["SIGHUP", 1],
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ] as const) {
    process.once(signal, () => process.exit(128 + number));
  }
}
