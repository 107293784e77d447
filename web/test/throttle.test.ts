import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { throttle, type Timers } from '../src/domain/throttle.ts'

/** Time that passes only when it is told to. */
function handTimers(): Timers & { advance: (ms: number) => void } {
  let now = 0
  let waiting: { at: number; run: () => void }[] = []
  return {
    now: () => now,
    set: (run, ms) => {
      const timer = { at: now + ms, run }
      waiting.push(timer)
      return timer
    },
    clear: (timer) => {
      waiting = waiting.filter((each) => each !== timer)
    },
    advance: (ms) => {
      const end = now + ms
      for (;;) {
        const due = waiting.filter((each) => each.at <= end).toSorted((a, b) => a.at - b.at)[0]
        if (!due) break
        waiting = waiting.filter((each) => each !== due)
        now = Math.max(now, due.at)
        due.run()
      }
      now = end
    },
  }
}

describe('throttle', () => {
  test('the first call runs at once, those after it once more at the end of the gap', () => {
    const timers = handTimers()
    const runs: number[] = []
    const call = throttle(() => void runs.push(timers.now()), 300, timers)
    call()
    timers.advance(10)
    call()
    call()
    timers.advance(1000)
    expect(runs).toEqual([0, 300])
    call()
    expect(runs).toEqual([0, 300, 1010])
  })

  test('every call is followed by a run within the gap, and runs keep the gap', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { minLength: 1, maxLength: 40 }), (pauses) => {
        const timers = handTimers()
        const runs: number[] = []
        const calls: number[] = []
        const call = throttle(() => void runs.push(timers.now()), 300, timers)
        for (const pause of pauses) {
          timers.advance(pause)
          calls.push(timers.now())
          call()
        }
        timers.advance(1000)
        expect(calls.every((at) => runs.some((run) => run >= at && run <= at + 300))).toBe(true)
        expect(runs.every((run, index) => index === 0 || run - (runs[index - 1] ?? 0) >= 300)).toBe(true)
      }),
    )
  })

  test('with a head start for others it waits first, and keeps the gap after', () => {
    const timers = handTimers()
    const runs: number[] = []
    const call = throttle(() => void runs.push(timers.now()), 1000, timers, 400)
    call()
    timers.advance(100)
    call()
    expect(runs).toEqual([])
    timers.advance(300)
    expect(runs).toEqual([400])
    call()
    timers.advance(2000)
    expect(runs).toEqual([400, 1400])
    call()
    timers.advance(400)
    expect(runs).toEqual([400, 1400, 2800])
  })

  test('a run that takes long is waited for, then what was missed is run once', async () => {
    const timers = handTimers()
    const finish: (() => void)[] = []
    const call = throttle(() => new Promise<void>((resolve) => finish.push(resolve)), 300, timers)
    call()
    timers.advance(5000)
    call()
    call()
    expect(finish).toHaveLength(1)
    finish[0]?.()
    await Promise.resolve()
    await Promise.resolve()
    expect(finish).toHaveLength(2)
  })

  test('a run that fails does not end it', async () => {
    const timers = handTimers()
    let runs = 0
    const call = throttle(() => Promise.reject(new Error(`${(runs += 1)}`)), 300, timers)
    call()
    call()
    await Promise.resolve()
    await Promise.resolve()
    timers.advance(300)
    expect(runs).toBe(2)
  })

  test('cancelled, it does not run any more', () => {
    const timers = handTimers()
    let runs = 0
    const call = throttle(() => (runs += 1), 300, timers)
    call()
    call()
    call.cancel()
    timers.advance(1000)
    expect(runs).toBe(1)
  })
})
