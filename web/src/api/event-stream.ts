/**
 * Server-sent events, parsed from chunks of text as the WHATWG standard says (section 9.2.6): lines end with
 * LF, CR or CRLF, wherever the chunks are cut; a blank line sends the event off; what is unfinished at the
 * end of the stream is dropped.
 *
 * The browser's own EventSource cannot carry a bearer token, hence this.
 */

export interface StreamEvent {
  /** `message` where the server named none. */
  readonly event: string
  readonly data: string
  /** The last id seen up to and including this event; empty before the first. */
  readonly id: string
}

export interface EventStreamParser {
  /** Takes the next piece of the stream; gives the events it completes. */
  push: (chunk: string) => StreamEvent[]
  /** The reconnection time the server asked for, in milliseconds. */
  retry: () => number | null
}

export function eventStreamParser(lastId = ''): EventStreamParser {
  let buffer = ''
  let first = true
  let afterCarriageReturn = false
  let id = lastId
  let retryMs: number | null = null
  let event = ''
  let data: string[] = []

  function dispatch(): StreamEvent | null {
    const finished = data.length > 0 ? { event: event || 'message', data: data.join('\n'), id } : null
    event = ''
    data = []
    return finished
  }

  function field(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon === -1 ? line : line.slice(0, colon)
    const rest = colon === -1 ? '' : line.slice(colon + 1)
    const value = rest.startsWith(' ') ? rest.slice(1) : rest
    if (name === 'event') event = value
    else if (name === 'data') data.push(value)
    else if (name === 'id' && !value.includes('\0')) id = value
    else if (name === 'retry' && /^\d+$/.test(value)) retryMs = Number(value)
  }

  /** The complete lines of the buffer. A CR at its very end may be half of a CRLF: it ends the line now, and
   * the LF that may follow is swallowed. */
  function* lines(): Generator<string> {
    let start = 0
    for (let at = 0; at < buffer.length; at += 1) {
      const char = buffer[at]
      if (char === '\n' && afterCarriageReturn && at === start) {
        start = at + 1
        afterCarriageReturn = false
        continue
      }
      if (char !== '\n' && char !== '\r') {
        afterCarriageReturn = false
        continue
      }
      afterCarriageReturn = char === '\r'
      yield buffer.slice(start, at)
      start = at + 1
    }
    buffer = buffer.slice(start)
  }

  function push(chunk: string): StreamEvent[] {
    buffer += chunk
    if (first && buffer.length > 0) {
      first = false
      if (buffer.startsWith('\uFEFF')) buffer = buffer.slice(1)
    }
    const events: StreamEvent[] = []
    for (const line of lines()) {
      if (line !== '') {
        field(line)
        continue
      }
      const finished = dispatch()
      if (finished) events.push(finished)
    }
    return events
  }

  return { push, retry: () => retryMs }
}

/** Full jitter up to 15 s: a restarted server is not met by every dashboard in the same instant. */
export function reconnectDelay(attempt: number, random: number, floorMs = 0): number {
  const ceiling = Math.min(15_000, 300 * 2 ** Math.min(attempt, 10))
  return Math.max(floorMs, Math.round(ceiling / 2 + (ceiling / 2) * random))
}
