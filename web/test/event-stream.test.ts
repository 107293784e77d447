import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventStreamParser, reconnectDelay, type StreamEvent } from '../src/api/event-stream.ts'

const parse = (...chunks: string[]): StreamEvent[] => {
  const parser = eventStreamParser()
  return chunks.flatMap((chunk) => parser.push(chunk))
}

describe('the format', () => {
  test('id, event and data', () => {
    expect(parse('id: 7\nevent: change\ndata: {"a":1}\n\n')).toEqual([
      { id: '7', event: 'change', data: '{"a":1}' },
    ])
  })
  test('an event without a name is a message; the id stays for those after it', () => {
    expect(parse('id: 7\ndata: a\n\ndata: b\n\n')).toEqual([
      { id: '7', event: 'message', data: 'a' },
      { id: '7', event: 'message', data: 'b' },
    ])
  })
  test('several data lines are one text', () =>
    expect(parse('data: a\ndata:\ndata:  b\n\n')[0]?.data).toBe('a\n\n b'))
  test('comments and unknown fields say nothing', () => expect(parse(': awake\n\nfoo: bar\n\n')).toEqual([]))
  test('an event without data is none', () =>
    expect(parse('event: change\n\ndata: x\n\n')[0]?.event).toBe('message'))
  test('what is unfinished at the end is dropped', () => expect(parse('data: x\n')).toEqual([]))
  test('a byte order mark is skipped', () => expect(parse('\uFEFFdata: x\n\n')).toHaveLength(1))
  test('an id with a null is ignored', () => expect(parse('id: a\0b\ndata: x\n\n')[0]?.id).toBe(''))
  test('the server may ask for a pause', () => {
    const parser = eventStreamParser()
    parser.push('retry: 2500\n\nretry: soon\n\n')
    expect(parser.retry()).toBe(2500)
  })
  test('it goes on from an id of an earlier connection', () => {
    expect(eventStreamParser('41').push('data: x\n\n')[0]?.id).toBe('41')
  })
})

const STREAM =
  ': hello\nid: 1\nevent: hello\ndata: {"id":"1"}\n\nid: 2\nevent: change\ndata: {"é":"🫖"}\ndata: \n\n:\n\nid: 3\ndata: end\n\n'

describe('chunks may be cut anywhere', () => {
  const whole = parse(STREAM)
  test.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CRLF', '\r\n'],
  ])('with %s', (_, newline) => {
    const text = STREAM.replaceAll('\n', newline)
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length]
        const chunks = places.slice(1).map((end, index) => text.slice(places[index], end))
        expect(parse(...chunks)).toEqual(whole)
      }),
    )
  })
  test('one character at a time', () => {
    for (const newline of ['\n', '\r', '\r\n']) {
      expect(parse(...STREAM.replaceAll('\n', newline))).toEqual(whole)
    }
  })
})

test('the pause before reconnecting grows to 15 s, and is never the same for all', () => {
  const delays = Array.from({ length: 12 }, (_, attempt) => reconnectDelay(attempt, 1))
  expect(delays.slice(0, 4)).toEqual([300, 600, 1200, 2400])
  expect(Math.max(...delays)).toBe(15_000)
  expect(reconnectDelay(3, 0)).toBe(1200)
  expect(reconnectDelay(0, 0, 4000)).toBe(4000)
})
