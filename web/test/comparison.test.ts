import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { movement } from '../src/domain/comparison.ts'

test('a percentage of the earlier figure', () => {
  expect(movement('112.30', '100.00', 'money', 'up')).toEqual({
    direction: 'up',
    tone: 'good',
    text: '12.3%',
  })
  expect(movement(80, 100, 'count', 'up')).toEqual({ direction: 'down', tone: 'bad', text: '20.0%' })
})

test('rates move in percentage points', () => {
  expect(movement(0.36, 0.33, 'rate', 'up')).toEqual({ direction: 'up', tone: 'good', text: '3.0 pp' })
  expect(movement(0.36, 0, 'rate', 'up')).toEqual({ direction: 'up', tone: 'good', text: '36.0 pp' })
})

test('less of what is unwelcome is good; of what is neither, neutral', () => {
  expect(movement(5, 10, 'count', 'down')?.tone).toBe('good')
  expect(movement(15, 10, 'count', 'down')?.tone).toBe('bad')
  expect(movement(15, 10, 'count', 'neither')?.tone).toBe('neutral')
})

test('without a base there is no percentage', () => {
  expect(movement('5.00', '0.00', 'money', 'up')).toBeNull()
  expect(movement('0.00', '0.00', 'money', 'up')).toBeNull()
  expect(movement('5.00', '-2.00', 'money', 'up')).toBeNull()
  expect(movement(null, '2.00', 'money', 'up')).toBeNull()
  expect(movement('2.00', null, 'money', 'up')).toBeNull()
  expect(movement(0.2, null, 'rate', 'up')).toBeNull()
})

test('what rounds to nothing is flat, and colourless', () => {
  expect(movement('100.01', '100.00', 'money', 'up')).toMatchObject({ direction: 'flat', tone: 'neutral' })
})

test('absurd sizes are capped', () => {
  expect(movement(500, 1, 'count', 'up')?.text).toBe('>999%')
})

test('swapping up and down swaps good and bad', () => {
  const amount = fc.integer({ min: 1, max: 10_000 })
  const opposite = { good: 'bad', bad: 'good', neutral: 'neutral' } as const
  fc.assert(
    fc.property(amount, amount, (now, before) => {
      const up = movement(now, before, 'count', 'up')
      const down = movement(now, before, 'count', 'down')
      return up !== null && down !== null && opposite[up.tone] === down.tone && up.text === down.text
    }),
  )
})
