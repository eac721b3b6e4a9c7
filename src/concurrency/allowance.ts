/** May one more be done? So many may in each span of time, of each key and of all together. */
export type Allowance = (key: string) => boolean;

export function createAllowance(most: { seconds: number; ofEach: number; inAll: number }): Allowance {
  const used = new Map<string, number>();
  let inAll = 0;
  let until = 0;
  return (key) => {
    const now = performance.now();
    if (now >= until) {
      used.clear();
      inAll = 0;
      until = now + most.seconds * 1000;
    }
    const ofKey = used.get(key) ?? 0;
    if (inAll >= most.inAll || ofKey >= most.ofEach) return false;
    used.set(key, ofKey + 1);
    inAll++;
    return true;
  };
}
