import { execFileSync } from 'node:child_process'
import { assert, property, string } from 'fast-check'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, test } from 'vitest'
import { dateTime, distance, fullDate } from '../src/domain/moments.ts'
import { roleNoun } from '../src/domain/roles.ts'
import { actionWords, actorWords, detailWords } from '../src/settings/actions.ts'
import { agentWords } from '../src/settings/agents.ts'
import { daysOf } from '../src/settings/privacy.tsx'
import { psqlCommand } from '../src/settings/psql.ts'
import { countWords, hasFile, kindWords, standing } from '../src/settings/requests.ts'
import { Row } from '../src/ui/rows.tsx'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const DAY = 86_400_000
const at = (days: number) => new Date(NOW + days * DAY).toISOString()

describe('browsers by name', () => {
  const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)'
  test.each([
    [`${mac} Chrome/142.0.0.0 Safari/537.36`, 'Chrome on macOS'],
    [`${mac} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`, 'Edge on macOS'],
    [`${mac} Version/19.1 Safari/605.1.15`, 'Safari on macOS'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
      'Firefox on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    ['Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36', 'Chrome on Android'],
    ['curl/8.5.0', 'curl'],
    [null, 'Unknown browser'],
  ])('%s', (agent, words) => {
    expect(agentWords(agent)).toBe(words)
  })
})

describe('the audit log in words', () => {
  test('known, new and odd actions', () => {
    expect(actionWords('session.signed_in')).toBe('Signed in')
    expect(actionWords('teapot.was_filled')).toBe('Teapot was filled')
    expect(actionWords('constructor')).toBe('Constructor')
  })
  test('people and others', () => {
    expect(actorWords('ada@example.com')).toBe('ada@example.com')
    expect(actorWords('shopify')).toBe('Shopify')
    expect(actorWords(null)).toBe('Tillstream')
  })
  test('details without what is empty', () => {
    expect(detailWords({ role: 'owner', from_role: null, scopes: ['a', 'b'], kept: false, none: [] })).toBe(
      'role: owner · scopes: a, b · kept: no',
    )
    expect(detailWords({ how: 'free', app: '' })).toBe('')
    expect(detailWords({ how: 'transferred' })).toBe('how: by a transfer code')
    expect(detailWords(null)).toBe('')
  })
})

describe('requests by law', () => {
  const due = (days: number, done: number | null = null) =>
    standing({ due_at: at(days), done_at: done === null ? null : at(done), problem: null }, NOW, 'en-GB')
  test('how they stand', () => {
    expect(due(20)).toMatchObject({ word: 'Open', tone: 'accent' })
    expect(due(6)).toMatchObject({ word: 'Due soon', tone: 'warn' })
    expect(due(-1)).toMatchObject({ word: 'Overdue', tone: 'bad' })
    expect(due(-1, -2)).toMatchObject({ word: 'Done', tone: 'good', detail: 'done on 20 November 2026' })
    expect(due(20).detail).toBe('due in 20 days, on 12 December 2026')
  })
  test('what was asked', () => {
    expect(kindWords('customers/redact').word).toBe('Erase a customer')
    expect(kindWords('something/new' as 'erasure').word).toBe('something/new')
  })
  test('what cannot be done is neither open nor overdue, and has no file', () => {
    const problem = 'The body is about another shop.'
    expect(standing({ due_at: at(-1), done_at: null, problem }, NOW).word).toBe('Not done')
    expect(hasFile({ kind: 'customers/data_request', problem })).toBe(false)
    expect(hasFile({ kind: 'customers/data_request', problem: null })).toBe(true)
    expect(hasFile({ kind: 'customers/redact', problem: null })).toBe(false)
  })
  test('what was concerned', () => {
    expect(countWords({ customers: 1, orders: 3, deliveries: 1, held: 0 }, 'en')).toBe(
      '1 customer, 3 orders, 1 delivery',
    )
  })
  test('days: a whole number, nothing, or a mistake', () => {
    expect([daysOf('30'), daysOf('0'), daysOf(' '), daysOf('1.5'), daysOf('-1'), daysOf('x')]).toEqual([
      30,
      0,
      null,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('times', () => {
  test('from now', () => {
    expect(distance(at(12), NOW, 'en')).toBe('in 12 days')
    expect(distance(at(-1), NOW, 'en')).toBe('yesterday')
    expect(distance(at(0.2), NOW, 'en')).toBe('in 4 hours')
    expect(distance(at(0), NOW, 'en')).toBe('this minute')
  })
  test('as dates', () => {
    expect(fullDate(at(0), 'en-GB', 'UTC')).toBe('22 November 2026')
    expect(dateTime(at(0), 'en-GB', 'UTC')).toBe('22 Nov 2026, 12:00')
  })
})

describe('the psql command', () => {
  test('reads as people write it', () => {
    const login = { host: 'db.example', port: 5432, database: 'tillstream', username: 'tillstream_sql_1_a' }
    expect(psqlCommand(login)).toBe('psql -h db.example -p 5432 -U tillstream_sql_1_a -d tillstream')
  })
  test('a shell hands psql exactly what was meant', () => {
    assert(
      property(string({ unit: 'grapheme-ascii', minLength: 1 }), (database) => {
        const command = psqlCommand({ host: 'h', port: 1, database, username: 'u' })
        const seen = execFileSync('sh', ['-c', `psql() { printf '%s' "$8"; }; ${command}`], {
          encoding: 'utf8',
        })
        expect(seen).toBe(database)
      }),
      { numRuns: 10 },
    )
  })
})

test('roles with their article', () => {
  expect(['owner', 'analyst', 'viewer'].map((role) => roleNoun(role as 'owner'))).toEqual([
    'an owner',
    'an analyst',
    'a viewer',
  ])
})

test('a row leaves out the facts that are missing', () => {
  const html = renderToStaticMarkup(<Row title="T" facts={['one', null, false, '', 'two']} />)
  expect(html.match(/ · /g)).toHaveLength(1)
})
