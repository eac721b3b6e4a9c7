// Loaded by `node --import`: this process takes the time for `?minutes=` later than it is.
const minutes = Number(new URL(import.meta.url).searchParams.get("minutes"));
const RealDate = Date;
const now = RealDate.now;
RealDate.now = () => now() + minutes * 60_000;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length > 0 ? given : [RealDate.now()], newTarget),
  apply: () => new Date().toString(),
});
