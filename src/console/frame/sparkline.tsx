const bars = 24;
const height = 24;

/** How many there were over a time until now, as a picture of it. */
export function Sparkline({ times, spanMs }: { times: Date[]; spanMs: number }) {
  const counts = Array.from({ length: bars }, () => 0);
  for (const time of times) {
    const index = bars - 1 - Math.floor(((Date.now() - time.getTime()) / spanMs) * bars);
    if (index >= 0 && index < bars) counts[index] = (counts[index] ?? 0) + 1;
  }
  const most = Math.max(1, ...counts);
  return (
    <svg
      class="sparkline"
      preserveAspectRatio="none"
      viewBox={`0 0 ${bars * 5} ${height}`}
      role="img"
      aria-label={`${times.length} in this time`}
    >
      {counts.map((count, index) => {
        const tall = Math.max(1, (count / most) * height);
        return <rect key={String(index)} x={index * 5} y={height - tall} width="4" height={tall} />;
      })}
    </svg>
  );
}
