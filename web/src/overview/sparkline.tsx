const WIDTH = 96
const HEIGHT = 30
const PAD = 2.5

/** The course of a figure, without axes: decoration beside the number, so hidden from screen readers. */
export function Sparkline({ values }: { values: readonly number[] }) {
  if (values.length < 3 || values.every((value) => value === values[0])) return null
  const low = Math.min(0, ...values)
  const span = Math.max(...values) - low || 1
  const spots = values.map((value, index) => ({
    x: PAD + (index / (values.length - 1)) * (WIDTH - 2 * PAD),
    y: HEIGHT - PAD - ((value - low) / span) * (HEIGHT - 2 * PAD),
  }))
  const line = spots.map(({ x, y }, index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
  const last = spots.at(-1)
  return (
    <svg
      aria-hidden
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      className="h-[30px] w-24 min-w-0 shrink text-accent opacity-80 max-sm:hidden"
    >
      <path d={`${line}L${WIDTH - PAD} ${HEIGHT}L${PAD} ${HEIGHT}Z`} fill="currentColor" opacity="0.1" />
      <path
        d={line}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
      {last && <circle cx={last.x} cy={last.y} r="2.2" fill="currentColor" />}
    </svg>
  )
}
