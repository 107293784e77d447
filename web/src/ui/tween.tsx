import { useLayoutEffect, useRef } from 'react'
import type { Unit } from '../domain/comparison.ts'
import { formatMeasure } from '../domain/measures.ts'

const DURATION_MS = 450

function still(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches || document.hidden
}

interface TweenProps {
  /** The exact value; what is read when the motion ends. */
  value: string | number | null
  unit: Unit
  currency: string
  /** A new key is another question: the figure jumps instead of counting from an unrelated number. */
  question: string
}

/**
 * A figure that glides to its new value when it changes. The text is written directly, sixty times a second
 * for half of one, so React renders nothing meanwhile; it always ends on the exact value.
 */
export function Tween({ value, unit, currency, question }: TweenProps) {
  const ref = useRef<HTMLSpanElement>(null)
  const shown = useRef<{ number: number; question: string } | null>(null)
  const text = formatMeasure(value, unit, currency)

  useLayoutEffect(() => {
    const element = ref.current
    if (!element) return
    const target = Number(value)
    const from = shown.current
    const finish = () => {
      element.textContent = text
      shown.current = value === null ? null : { number: target, question }
    }
    if (value === null || !from || from.question !== question || from.number === target || still()) {
      finish()
      return
    }
    const digits = decimalsOf(value)
    const show = (current: number) => {
      const rounded = typeof value === 'string' ? current.toFixed(digits) : roundTo(current, digits)
      element.textContent = formatMeasure(rounded, unit, currency)
    }
    show(from.number)
    const start = performance.now()
    let frame = requestAnimationFrame(function step(now) {
      const progress = Math.min(1, (now - start) / DURATION_MS)
      if (progress === 1) {
        finish()
        return
      }
      const eased = 1 - (1 - progress) ** 3
      const current = from.number + (target - from.number) * eased
      shown.current = { number: current, question }
      show(current)
      frame = requestAnimationFrame(step)
    })
    return () => cancelAnimationFrame(frame)
  }, [value, text, unit, currency, question])

  return <span ref={ref}>{text}</span>
}

function decimalsOf(value: string | number): number {
  return String(value).split('.')[1]?.length ?? 0
}

function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
