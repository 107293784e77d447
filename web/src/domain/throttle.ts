/**
 * Runs `action` at once, then at most every `gapMs` and never twice at the same time; calls that come
 * meanwhile are answered by one run afterwards. So the first change shows immediately, the last one is never
 * missed, and a slow answer is waited for instead of being asked again and again. With a head start it waits
 * that long first, for others to whom it would be in the way.
 */

export interface Timers {
  readonly now: () => number
  readonly set: (run: () => void, ms: number) => unknown
  readonly clear: (timer: unknown) => void
}

const browserTimers: Timers = {
  now: () => performance.now(),
  set: (run, ms) => setTimeout(run, ms),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

export interface Throttled {
  (): void
  cancel: () => void
}

export function throttle(
  action: () => unknown,
  gapMs: number,
  timers: Timers = browserTimers,
  headStartMs = 0,
): Throttled {
  let last = Number.NEGATIVE_INFINITY
  let timer: unknown
  let running = false
  let again = false

  function settled(): void {
    running = false
    if (!again) return
    again = false
    call()
  }

  function run(): void {
    timer = undefined
    last = timers.now()
    const outcome = action()
    if (!(outcome instanceof Promise)) return
    running = true
    void outcome.then(settled, settled)
  }

  function call(): void {
    if (timer !== undefined) return
    if (running) {
      again = true
      return
    }
    const wait = Math.max(headStartMs, last + gapMs - timers.now())
    if (wait <= 0) run()
    else timer = timers.set(run, wait)
  }

  return Object.assign(call, {
    cancel: () => {
      if (timer !== undefined) timers.clear(timer)
      timer = undefined
      again = false
    },
  })
}
