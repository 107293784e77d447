/**
 * The live connection: one `GET /api/live` that stays open, and comes back by itself. It resumes after the
 * last event it saw; where the server cannot (`reset`, `overflow`), everything is asked anew.
 */

import { eventStreamParser, reconnectDelay, type StreamEvent } from './event-stream.ts'
import type { LiveChange } from './shapes.ts'

export type LiveStatus = 'connecting' | 'live' | 'reconnecting'

export interface LiveListener {
  readonly onStatus: (status: LiveStatus) => void
  readonly onChange: (change: LiveChange) => void
  /** All that is on the page may be old: after the first connection, a gap, or a flood. */
  readonly onCatchUp: () => void
}

export interface LivePorts {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>
  readonly random: () => number
  /** Resolves after the time, or at once when the signal aborts or `wake` is called. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The server writes a comment every 15 s. Three missed, and the line is dead though nobody said so. */
const SILENCE_MS = 45_000

/** Runs until `signal` aborts. */
export async function followLive(
  listener: LiveListener,
  ports: LivePorts,
  signal: AbortSignal,
): Promise<void> {
  let lastId = ''
  let attempt = 0
  let retryFloorMs = 0
  let everConnected = false

  function take(event: StreamEvent): void {
    if (event.id) lastId = event.id
    if (event.event === 'change') {
      const change = parse<LiveChange>(event.data)
      if (change) listener.onChange(change)
      else listener.onCatchUp()
      return
    }
    if (event.event === 'hello') {
      const hello = parse<{ id?: string | number }>(event.data)
      // With a resumed stream, hello tells how far it is: the events in between still follow.
      if (!lastId && hello?.id !== undefined) lastId = String(hello.id)
      return
    }
    if (event.event === 'reset' || event.event === 'overflow') {
      const place = parse<{ id?: string | number }>(event.data)
      if (place?.id !== undefined) lastId = String(place.id)
      listener.onCatchUp()
    }
  }

  async function connection(): Promise<void> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' }
    if (lastId) headers['Last-Event-ID'] = lastId
    const own = new AbortController()
    const abort = () => own.abort()
    signal.addEventListener('abort', abort, { once: true })
    let silence: ReturnType<typeof setTimeout> | undefined
    const heard = () => {
      clearTimeout(silence)
      silence = setTimeout(abort, SILENCE_MS)
    }
    try {
      heard()
      const response = await ports.fetch('/api/live', { headers, signal: own.signal, cache: 'no-store' })
      if (!response.ok || !response.body) throw new Error(`live answered ${response.status}`)
      listener.onStatus('live')
      // Figures asked for before this moment may have missed a change; those asked for now cannot.
      listener.onCatchUp()
      everConnected = true
      const parser = eventStreamParser(lastId)
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { value, done } = await reader.read()
        if (done) return
        heard()
        attempt = 0
        for (const event of parser.push(value)) take(event)
        retryFloorMs = parser.retry() ?? retryFloorMs
      }
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', abort)
    }
  }

  listener.onStatus('connecting')
  while (!signal.aborted) {
    try {
      await connection()
    } catch {
      // Refused, cut off or silent: all the same to us, come back later.
    }
    if (signal.aborted) return
    listener.onStatus(everConnected ? 'reconnecting' : 'connecting')
    await ports.sleep(reconnectDelay(attempt, ports.random(), retryFloorMs), signal)
    attempt += 1
  }
}

function parse<T>(data: string): T | null {
  try {
    return JSON.parse(data) as T
  } catch {
    return null
  }
}
