// The rules: `fetch` is a table of answers, time is a number, timers are kept and run by hand.
import { describe, expect, test } from 'vitest'
import { sessionKeeper, type SessionKeeper } from '../src/api/session.ts'

function signIn(token: string) {
  return {
    token,
    expires_in: 900,
    tenant: { id: '1', name: 'T' },
    user: { id: '1', email: 'a@b.c', name: '', role: 'owner' },
  }
}

interface World {
  keeper: SessionKeeper
  asked: string[]
  timers: { run: () => void; ms: number }[]
  tick: (ms: number) => void
}

function world(answer: (path: string, token: string | null) => Response | Promise<Response>): World {
  const asked: string[] = []
  const timers: World['timers'] = []
  let now = 0
  const keeper = sessionKeeper({
    fetch: async (input, init) => {
      const token = new Headers(init?.headers).get('Authorization')
      asked.push(`${String(input)}${token ? ` ${token.slice(7)}` : ''}`)
      return answer(String(input), token)
    },
    now: () => now,
    exclusively: (run) => run(),
    setTimer: (run, ms) => timers.push({ run, ms }),
    clearTimer: () => undefined,
  })
  return { keeper, asked, timers, tick: (ms) => (now += ms) }
}

const refused = () => Response.json({ title: 'Not signed in', status: 401 }, { status: 401 })

describe('restoring', () => {
  test('with a cookie, the page is signed in', async () => {
    const { keeper, timers } = world(() => Response.json(signIn('one')))
    await keeper.restore()
    expect(keeper.state().status).toBe('signed-in')
    expect(timers.at(-1)?.ms).toBe(840_000)
  })
  test('without, it is signed out', async () => {
    const { keeper } = world(refused)
    await keeper.restore()
    expect(keeper.state().status).toBe('signed-out')
  })
  test('without a server, it says so and signs nobody out', async () => {
    const { keeper } = world(() => Promise.reject(new TypeError('offline')))
    await keeper.restore()
    expect(keeper.state().status).toBe('unreachable')
  })
})

describe('calls', () => {
  test('a 401 renews the token once, for all who were refused, and asks again', async () => {
    let renewals = 0
    const { keeper, asked } = world((path, token) => {
      if (path === '/api/auth/login') return Response.json(signIn('old'))
      if (path === '/api/auth/refresh') return Response.json(signIn(`new${(renewals += 1)}`))
      return token === 'Bearer new1' ? Response.json({}) : refused()
    })
    await keeper.signIn('a@b.c', 'secret')
    const answers = await Promise.all([keeper.fetch('/a'), keeper.fetch('/b'), keeper.fetch('/c')])
    expect(answers.map((each) => each.status)).toEqual([200, 200, 200])
    expect(renewals).toBe(1)
    expect(asked).toContain('/a new1')
  })

  test('a second 401 is an answer, not a loop', async () => {
    const { keeper, asked } = world((path) =>
      path.startsWith('/api/auth') ? Response.json(signIn('one')) : refused(),
    )
    await keeper.signIn('a@b.c', 'secret')
    expect((await keeper.fetch('/a')).status).toBe(401)
    expect(asked.filter((each) => each.startsWith('/a '))).toHaveLength(2)
  })

  test('when the cookie has ended too, the page is signed out', async () => {
    const { keeper } = world((path) =>
      path === '/api/auth/login' ? Response.json(signIn('one')) : refused(),
    )
    await keeper.signIn('a@b.c', 'secret')
    expect((await keeper.fetch('/a')).status).toBe(401)
    expect(keeper.state().status).toBe('signed-out')
  })

  test('a token whose time is up is not even tried', async () => {
    const { keeper, asked, tick } = world((path) =>
      Response.json(path === '/api/auth/refresh' ? signIn('two') : signIn('one')),
    )
    await keeper.signIn('a@b.c', 'secret')
    tick(900_000)
    await keeper.fetch('/a')
    expect(asked.slice(1)).toEqual(['/api/auth/refresh', '/a two'])
  })
})

test('a renewal that fails for want of a connection keeps the session and tries again', async () => {
  let online = true
  const { keeper, timers } = world(() =>
    online ? Response.json(signIn('one')) : Promise.reject(new TypeError('offline')),
  )
  await keeper.signIn('a@b.c', 'secret')
  online = false
  await keeper.restore()
  expect(keeper.state().status).toBe('signed-in')
  expect(timers.at(-1)?.ms).toBe(10_000)
})

test('a refusal comes with the server’s words', async () => {
  const { keeper } = world(() =>
    Response.json(
      { title: 'Wrong', detail: 'The e-mail address or the password is wrong.' },
      { status: 401 },
    ),
  )
  await expect(keeper.signIn('a@b.c', 'x')).rejects.toThrow('The e-mail address or the password is wrong.')
})

describe('several accounts', () => {
  const other = { ...signIn('theirs'), tenant: { id: '2', name: 'Other' } }
  test('switching enters the other one, with the token of the first', async () => {
    const { keeper, asked } = world((path) =>
      Response.json(path === '/api/auth/switch' ? other : signIn('mine')),
    )
    await keeper.restore()
    await keeper.switchTo('2')
    expect(asked.at(-1)).toBe('/api/auth/switch mine')
    expect(keeper.state()).toMatchObject({ session: { token: 'theirs', tenant: { id: '2' } } })
  })
  test('a refusal leaves one where one is', async () => {
    const { keeper } = world((path) =>
      path === '/api/auth/switch'
        ? Response.json({ title: 'Not found', status: 404, detail: 'No.' }, { status: 404 })
        : Response.json(signIn('mine')),
    )
    await keeper.restore()
    await expect(keeper.switchTo('9')).rejects.toThrow('No.')
    expect(keeper.state()).toMatchObject({ session: { token: 'mine' } })
  })
  test('an accepted invitation signs in', async () => {
    const { keeper, asked } = world((path) => (path.endsWith('accept') ? Response.json(other) : refused()))
    await keeper.restore()
    await keeper.accept({ token: 't', password: 'p' })
    expect(asked.at(-1)).toBe('/api/invitations/accept')
    expect(keeper.state()).toMatchObject({ status: 'signed-in', session: { tenant: { id: '2' } } })
  })
})
