// The rules: a real HTTP server on this machine speaks the stream; the client is the page's own, with Node's
// fetch. Nothing waits for time: each step waits for what it expects to be told.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { followLive, type LiveStatus } from '../src/api/live.ts'
import type { LiveChange } from '../src/api/shapes.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

type Happening =
  | { what: 'status'; status: LiveStatus }
  | { what: 'change'; change: LiveChange }
  | { what: 'catch-up' }
  | { what: 'request'; lastId: string | undefined }

/** Connects to a server that answers with `serve`, and tells one by one what happens. */
async function connect(serve: (response: ServerResponse, attempt: number) => void) {
  const happened: Happening[] = []
  const waiting: (() => void)[] = []
  const tell = (happening: Happening) => {
    happened.push(happening)
    waiting.shift()?.()
  }
  let attempts = 0
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    tell({ what: 'request', lastId: request.headers['last-event-id'] as string | undefined })
    attempts += 1
    serve(response, attempts)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const stop = new AbortController()
  stops.push(() => {
    stop.abort()
    server.closeAllConnections()
    server.close()
  })
  void followLive(
    {
      onStatus: (status) => tell({ what: 'status', status }),
      onChange: (change) => tell({ what: 'change', change }),
      onCatchUp: () => tell({ what: 'catch-up' }),
    },
    {
      fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
      random: () => 0,
      sleep: () => Promise.resolve(),
    },
    stop.signal,
  )
  return async (): Promise<Happening> => {
    if (happened.length === 0) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
      })
    }
    const next = happened.shift()
    if (!next) throw new Error('Nothing happened.')
    return next
  }
}

const change = (store: string): string =>
  JSON.stringify({ store, at: '', changed: ['sales'], feed: [], received_at: '' })
const begin = (response: ServerResponse) => response.writeHead(200, { 'Content-Type': 'text/event-stream' })

test('connected, it catches up, then tells each change', async () => {
  const next = await connect((response) => {
    begin(response).write('id: 4\nevent: hello\ndata: {"id":"4"}\n\n: awake\n\n')
    response.write(`id: 5\nevent: change\ndata: ${change('1')}\n\n`)
  })
  expect(await next()).toEqual({ what: 'status', status: 'connecting' })
  expect(await next()).toEqual({ what: 'request', lastId: undefined })
  expect(await next()).toEqual({ what: 'status', status: 'live' })
  expect(await next()).toEqual({ what: 'catch-up' })
  expect(await next()).toMatchObject({ what: 'change', change: { store: '1' } })
})

test('cut off, it comes back with the last id it saw', async () => {
  const next = await connect((response, attempt) => {
    begin(response).write(`id: ${attempt * 10}\nevent: hello\ndata: {"id":"${attempt * 10}"}\n\n`)
    if (attempt === 1) response.end(`id: 11\nevent: change\ndata: ${change('1')}\n\n`)
  })
  const seen: Happening[] = []
  while (seen.filter((each) => each.what === 'request').length < 2) seen.push(await next())
  expect(seen.at(-1)).toEqual({ what: 'request', lastId: '11' })
  expect(seen.at(-2)).toEqual({ what: 'status', status: 'reconnecting' })
})

test('a gap (reset, overflow) or a broken message asks for everything', async () => {
  const next = await connect((response) => {
    begin(response).write('id: 9\nevent: reset\ndata: {"id":"9"}\n\n')
    response.write('event: overflow\ndata: {"reason":"too slow"}\n\n')
    response.write('id: 10\nevent: change\ndata: {half\n\n')
  })
  const seen: Happening[] = []
  while (seen.filter((each) => each.what === 'catch-up').length < 4) seen.push(await next())
  expect(seen.some((each) => each.what === 'change')).toBe(false)
})

test('refused, it says that it is connecting and tries again', async () => {
  const next = await connect((response, attempt) => {
    if (attempt === 1) response.writeHead(503).end()
    else begin(response).write(': awake\n\n')
  })
  const seen: Happening[] = []
  while (!seen.some((each) => each.what === 'status' && each.status === 'live')) seen.push(await next())
  expect(seen.filter((each) => each.what === 'request')).toHaveLength(2)
})
