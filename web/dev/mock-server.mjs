// A pretend Tillstream for working on the dashboard alone: the API's answers from memory, numbers that move,
// and the committed build as the page. Not shipped. `npm run dev:mock`, then http://127.0.0.1:8787, any
// e-mail address and password. The address decides what is shown: "new…" has no stores yet, "many…" has
// differing ones, "gone…" has one uninstalled and one that needs reconnecting, "viewer…" is a viewer.
import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answerAccount } from './mock-account.mjs'

const PORT = Number(process.env.PORT ?? 8787)
const STATIC = join(dirname(fileURLToPath(import.meta.url)), '../../src/tillstream/serve/static')
const DAY = 86_400_000
const HOUR = DAY / 24
const ZONE = 'America/New_York'

/** Mulberry32: the same history at every start. */
function randomFrom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
const random = randomFrom(7)
const pick = (list) => list[Math.floor(random() * list.length)]
const first = [
  'Amelia',
  'Jonas',
  'Priya',
  'Mateo',
  'Hana',
  'Oliver',
  'Zoë',
  'Noah',
  'Fatima',
  'Lucía',
  'Ken',
  'Ingrid',
]
const last = [
  'Brandt',
  'Okafor',
  'Iyer',
  'Silva',
  'Tanaka',
  'Hughes',
  'Lindqvist',
  'Moreau',
  'Haddad',
  'Nowak',
]
const person = () => {
  const name = `${pick(first)} ${pick(last)}`
  const email = `${name
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z ]/g, '')
    .replace(' ', '.')}@example.com`
  return { name, email }
}

const cents = (amount) => (Math.round(amount) / 100).toFixed(2)
const stores = [
  store('1', 'harbour-tea', 'Harbour Tea Co.', ZONE, 'USD'),
  store('2', 'harbour-tea-wholesale', 'Harbour Wholesale', ZONE, 'USD'),
]
const differing = [
  store('3', 'harbour-tea', 'Harbour Tea Co.', ZONE, 'USD'),
  store('4', 'minato-cha', 'Minato Cha', 'Asia/Tokyo', 'JPY'),
]
function store(id, handle, name, timezone, currency) {
  return {
    id,
    domain: `${handle}.myshopify.com`,
    name,
    timezone,
    currency,
    abandonment_window_minutes: 10,
    has_api_secret: true,
    has_access_token: false,
    created_at: '2026-01-04T10:00:00Z',
    app: '',
    connected_by: 'oauth',
    proved: true,
    status: 'connected',
    granted_scopes: ['read_orders', 'read_customers', 'read_products'],
    missing_scopes: [],
    warnings: [],
    installed_at: '2026-01-04T10:00:00Z',
    uninstalled_at: null,
    erase_at: null,
  }
}
const gone = [
  stores[0],
  {
    ...store('5', 'minato-cha', 'Minato Cha', ZONE, 'USD'),
    status: 'uninstalled',
    uninstalled_at: new Date(Date.now() - 2 * DAY).toISOString(),
    erase_at: new Date(Date.now() + 28 * DAY).toISOString(),
  },
  {
    ...store('6', 'harbour-tea-wholesale', 'Harbour Wholesale', ZONE, 'USD'),
    status: 'needs_reconnect',
    granted_scopes: ['read_orders', 'read_products'],
    missing_scopes: ['read_customers'],
    warnings: [
      {
        code: 'api_version',
        title: 'Deliveries come in another API version',
        detail:
          'Subscribed for 2026-10, received 2026-07. Change the version of the app in the Dev Dashboard.',
      },
    ],
  },
]

// Orders of two years, [time, gross, discount, reversal, shipping, tax] in cents, more of them by day and lately.
const orders = []
let nextOrder = 1001
const started = Date.now()
for (let day = 730; day >= 0; day -= 1) {
  const growth = 1 + (730 - day) / 500
  const weekend = [0, 6].includes(new Date(started - day * DAY).getUTCDay()) ? 1.35 : 1
  const count = Math.round(22 * growth * weekend * (0.75 + random() * 0.5))
  for (let index = 0; index < count; index += 1) {
    const at = started - day * DAY - Math.floor((random() + random()) * 0.5 * DAY)
    if (at <= started) place(at)
  }
}
orders.sort((a, b) => a.at - b.at)

function place(at) {
  const gross = Math.round(1800 + random() ** 2 * 14_000)
  const discount = random() < 0.25 ? Math.round(gross * 0.15) : 0
  const who = person()
  const order = {
    id: String(5_000_000_000 + nextOrder),
    at,
    gross,
    discount,
    reversal: random() < 0.05 ? gross - discount : 0,
    shipping: gross > 7500 ? 0 : 590,
    tax: Math.round((gross - discount) * 0.08),
    store: random() < 0.8 ? '1' : '2',
    fresh: random() < 0.42,
    ...who,
  }
  nextOrder += 1
  orders.push(order)
  return order
}

const checkouts = []
for (let index = 0; index < 140; index += 1) checkouts.push(begin(started - random() ** 1.6 * 20 * DAY))
checkouts.sort((a, b) => b.active - a.active)
function begin(at) {
  const age = Date.now() - at
  const luck = random()
  const stage =
    age < 10 * 60_000 ? 'open' : luck < 0.5 ? 'converted' : luck < 0.68 ? 'recovered' : 'abandoned'
  return {
    token: Math.floor(random() * 2 ** 48).toString(16),
    at,
    active: at,
    stage,
    total: 2400 + random() * 12_000,
    ...person(),
  }
}

const value = (carts) => carts.reduce((sum, cart) => sum + cart.total, 0)

function sums(list, carts) {
  const add = (name) => list.reduce((sum, order) => sum + order[name], 0)
  const [gross, discount, reversal, shipping, tax] = ['gross', 'discount', 'reversal', 'shipping', 'tax'].map(
    add,
  )
  const net = gross - discount - reversal
  const lost = carts.filter((cart) => cart.stage === 'abandoned')
  const won = carts.filter((cart) => cart.stage === 'recovered')
  return {
    total_sales: cents(net + shipping + tax),
    gross_sales: cents(gross),
    discounts: cents(discount),
    sales_reversals: cents(reversal),
    net_sales: cents(net),
    shipping: cents(shipping),
    taxes: cents(tax),
    duties: '0.00',
    additional_fees: '0.00',
    gift_cards_sold: '0.00',
    tips: '0.00',
    orders: list.length,
    average_order_value: list.length ? cents((gross - discount) / list.length) : null,
    checkouts: carts.length,
    abandoned_checkouts: lost.length + won.length,
    recovered_checkouts: won.length,
    converted_checkouts: carts.filter((cart) => cart.stage === 'converted').length,
    recovered_checkout_rate: lost.length + won.length ? won.length / (lost.length + won.length) : null,
    recovered_sales: cents(value(won)),
    abandoned_value: cents(value(lost)),
  }
}

/** New York as a fixed offset: near enough for a pretence. */
const OFFSET = -5 * HOUR
const startOf = (day) => Date.parse(`${day}T00:00:00Z`) - OFFSET
const dayOf = (at) => new Date(at + OFFSET).toISOString().slice(0, 10)
const local = (at) => `${new Date(at + OFFSET).toISOString().slice(0, 19)}-05:00`

function period(from, to, id) {
  const low = startOf(from)
  const high = startOf(to) + DAY
  const list = orders.filter((order) => order.at >= low && order.at < high && (!id || order.store === id))
  const carts = checkouts.filter((cart) => cart.at >= low && cart.at < high)
  const customers = new Set(list.map((order) => order.email + (order.id % 7))).size
  const fresh = Math.round(customers * 0.44)
  return {
    ...sums(list, carts),
    currency: 'USD',
    timezone: ZONE,
    from,
    to,
    customers,
    new_customers: fresh,
    returning_customers: customers - fresh,
    returning_customer_rate: customers ? (customers - fresh) / customers : null,
    as_of: local(Date.now()),
  }
}

function shift(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10)
}

function stats(query) {
  const { from, to, store: id } = query
  const compare = query.compare ?? 'previous'
  const days = (startOf(to) - startOf(from)) / DAY + 1
  const back = compare === 'year' ? 365 : days
  const comparison = compare === 'none' ? null : period(shift(from, -back), shift(to, -back), id)
  return { ...period(from, to, id), comparison }
}

function series({ from, to, store: id, interval = 'day' }) {
  const points = []
  const end = startOf(to) + DAY
  const steps = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY }
  for (let start = startOf(from); start < end; start += steps[interval]) {
    const until = Math.min(end, start + steps[interval])
    const inside = (at) => at >= start && at < until
    const list = orders.filter((order) => inside(order.at) && (!id || order.store === id))
    points.push({
      start: local(start),
      ...sums(
        list,
        checkouts.filter((cart) => inside(cart.at)),
      ),
    })
  }
  return { interval, currency: 'USD', timezone: ZONE, from, to, points }
}

function topCustomers({ limit = 10 }) {
  const totals = new Map()
  for (const order of orders) {
    const known = totals.get(order.email) ?? {
      email: order.email,
      orders: 0,
      spent: 0,
      first: order.at,
      last: order.at,
    }
    totals.set(order.email, known)
    known.orders += 1
    known.spent += order.gross - order.discount
    known.last = order.at
  }
  const list = [...totals.values()].toSorted((a, b) => b.spent - a.spent).slice(0, Number(limit))
  return {
    currency: 'USD',
    customers: list.map((each, index) => ({
      id: String(index + 1),
      name: each.email
        .split('@')[0]
        .split('.')
        .map((part) => part[0].toUpperCase() + part.slice(1))
        .join(' '),
      email: each.email,
      orders: each.orders,
      total_spent: cents(each.spent),
      first_order_at: local(each.first),
      last_order_at: local(each.last),
    })),
  }
}

function checkoutPage({ stage, limit = 50, cursor, from }) {
  const low = from ? startOf(from) : 0
  const all = checkouts.filter((cart) => cart.active >= low)
  const list = all.filter((cart) => !stage || cart.stage === stage)
  const offset = Number(cursor ?? 0)
  const page = list.slice(offset, offset + Number(limit))
  const figures = sums([], all)
  return {
    currency: 'USD',
    summary: {
      open: all.filter((cart) => cart.stage === 'open').length,
      abandoned: figures.abandoned_checkouts - figures.recovered_checkouts,
      recovered: figures.recovered_checkouts,
      converted: figures.converted_checkouts,
      abandoned_value: figures.abandoned_value,
      recovered_sales: figures.recovered_sales,
      recovered_checkout_rate: figures.recovered_checkout_rate,
    },
    checkouts: page.map((cart) => {
      const lost = cart.stage === 'abandoned' || cart.stage === 'recovered'
      const done = cart.stage === 'converted' || cart.stage === 'recovered'
      return {
        token: cart.token,
        store: '1',
        email: cart.email,
        customer_name: cart.name,
        total: cents(cart.total),
        currency: 'USD',
        stage: cart.stage,
        started_at: local(cart.at),
        last_active_at: local(cart.active),
        abandoned_at: lost ? local(cart.active + 600_000) : null,
        recovered_at: cart.stage === 'recovered' ? local(cart.active + 2 * HOUR) : null,
        recovery_url: `https://harbour-tea.myshopify.com/checkouts/recover/${cart.token}`,
        order_name: done ? `#${1000 + (Number.parseInt(cart.token.slice(0, 6), 16) % 900)}` : null,
      }
    }),
    next: offset + Number(limit) < list.length ? String(offset + Number(limit)) : null,
  }
}

function recentOrders({ limit = 50 }) {
  return {
    currency: 'USD',
    orders: orders
      .slice(-Number(limit))
      .toReversed()
      .map((order) => ({
        id: order.id,
        store: order.store,
        name: `#${Number(order.id) - 5_000_000_000}`,
        email: order.email,
        customer_id: null,
        customer_name: order.email.split('@')[0].replace('.', ' '),
        financial_status: 'paid',
        fulfillment_status: null,
        total_price: cents(order.gross - order.discount + order.shipping + order.tax),
        current_total_price: cents(order.gross - order.discount + order.shipping + order.tax),
        processed_at: local(order.at),
        cancelled_at: null,
        test: false,
      })),
    next: null,
  }
}

const watchers = new Set()
let eventId = 0
function tell(news) {
  eventId += 1
  const text = `id: ${eventId}\nevent: change\ndata: ${JSON.stringify(news)}\n\n`
  for (const watcher of watchers) watcher.write(text)
}

/** Something happens: mostly orders, sometimes a checkout that is left or comes back. */
function happen() {
  const now = Date.now()
  const kind = random()
  if (kind < 0.6) {
    const order = place(now)
    tell(
      change(
        '1',
        ['sales', 'customers'],
        item(
          'order',
          `${order.id}:placement`,
          `#${Number(order.id) - 5_000_000_000}`,
          order,
          order.gross + order.shipping + order.tax - order.discount,
        ),
      ),
    )
  } else {
    const cart = begin(now)
    cart.stage = kind < 0.75 ? 'open' : kind < 0.9 ? 'abandoned' : 'recovered'
    checkouts.unshift(cart)
    const feed =
      cart.stage === 'open'
        ? []
        : [item(`checkout_${cart.stage}`, `${cart.token}:${cart.stage}`, 'Checkout', cart, cart.total)]
    tell({ ...change('1', ['checkouts']), feed })
  }
}
function item(kind, id, title, who, amount) {
  const customer = who.email.split('@')[0].replace('.', ' ')
  return { kind, id, title, customer, amount: cents(amount), currency: 'USD', at: new Date().toISOString() }
}
function change(storeId, changed, ...feed) {
  const at = new Date().toISOString()
  return { store: storeId, at, changed, feed, received_at: at }
}
const pace = Number(process.env.PACE_MS ?? 3500)
if (pace > 0) setInterval(happen, pace).unref()
setInterval(() => watchers.forEach((watcher) => watcher.write(': awake\n\n')), 15_000).unref()

const json = (response, status, body, headers = {}) => {
  response.writeHead(status, {
    'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json',
    ...headers,
  })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
const problem = (response, status, slug, title, detail, more = {}) =>
  json(response, status, { type: `urn:tillstream:problem:${slug}`, title, status, detail, ...more })

/** A token is the e-mail address: who signs in as whom is not what this server is about. */
const signIn = (email, tenant = 'Harbour Tea') => ({
  token: Buffer.from(email).toString('base64url'),
  token_type: 'Bearer',
  expires_in: 900,
  tenant: { id: tenant, name: tenant },
  tenants: ['Harbour Tea', 'Minato Cha K.K.'].map((name) => ({
    id: name,
    name,
    role: name === 'Harbour Tea' ? 'owner' : 'viewer',
  })),
  user: {
    id: '1',
    email,
    name: 'Ada Brandt',
    role: email.startsWith('viewer') || tenant !== 'Harbour Tea' ? 'viewer' : 'owner',
  },
})
const added = new Map()

function storesOf(email) {
  if (email.startsWith('new')) return added.get(email) ?? []
  if (email.startsWith('gone')) return gone
  return email.startsWith('many') ? differing : stores
}

const emailIn = (cookie = '') => /mock=([^;]+)/.exec(cookie)?.[1]
const bodyOf = async (request) => {
  let text = ''
  for await (const chunk of request) text += chunk
  return text ? JSON.parse(text) : {}
}

async function answerApi(request, response, url) {
  const path = url.pathname
  const query = Object.fromEntries(url.searchParams)
  if (path === '/api/auth/refresh') {
    const email = emailIn(request.headers.cookie)
    return email
      ? json(response, 200, signIn(email))
      : problem(response, 401, 'unauthenticated', 'Not signed in', 'The sign-in has ended. Sign in again.')
  }
  if (path === '/api/auth/login' || path === '/api/auth/register') {
    const { email, password } = await bodyOf(request)
    if (password === 'wrong')
      return problem(
        response,
        401,
        'credentials-wrong',
        'Wrong',
        'The e-mail address or the password is wrong.',
      )
    return json(response, path.endsWith('login') ? 200 : 201, signIn(email), {
      'Set-Cookie': `mock=${email}; Path=/api/auth; HttpOnly`,
    })
  }
  if (path === '/api/auth/logout')
    return json(response, 204, undefined, { 'Set-Cookie': 'mock=; Path=/api/auth; Max-Age=0' })
  if (path === '/api/invitations/lookup' || /password\/(forgot|reset)$/.test(path))
    return json(response, ...(await answerAccount(request, path, query, () => bodyOf(request))))
  if (path === '/api/auth/shopify') {
    response.writeHead(302, { Location: `/?store=1&connected=1` })
    return response.end()
  }
  const email = Buffer.from((request.headers.authorization ?? '').slice(7), 'base64url').toString()
  if (!email) return problem(response, 401, 'unauthenticated', 'Not signed in', 'Sign in first.')
  if (path === '/api/auth/switch') return json(response, 200, signIn(email, (await bodyOf(request)).tenant))
  if (path.endsWith('/transfers'))
    return json(response, 201, {
      code: 'K7QF-2M9X-TTRB-04WD',
      expires_at: new Date(Date.now() + DAY).toISOString(),
    })
  const known = await answerAccount(request, path, query, () => bodyOf(request))
  if (known) return json(response, ...known)
  if (path === '/api/stores' && request.method === 'POST') {
    const body = await bodyOf(request)
    const made = store(
      '9',
      body.domain.replace('.myshopify.com', ''),
      '',
      body.timezone ?? null,
      body.currency ?? null,
    )
    added.set(email, [made])
    setTimeout(() => tell(change('9', ['shop'])), 6000).unref()
    return json(response, 201, made)
  }
  if (path === '/api/stores') return json(response, 200, { stores: storesOf(email) })
  if (path.startsWith('/api/stores/')) {
    const found = storesOf(email).find((each) => each.id === path.split('/')[3])
    if (request.method === 'DELETE') return json(response, 204)
    return json(response, 200, Object.assign(found, await bodyOf(request)))
  }
  if (path === '/api/live') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(`id: ${eventId}\nevent: hello\ndata: {"id":"${eventId}"}\n\n`)
    watchers.add(response)
    return response.on('close', () => watchers.delete(response))
  }
  if (query.from && query.to === undefined) query.to = dayOf(Date.now())
  if (!query.from) Object.assign(query, { from: shift(dayOf(Date.now()), -29), to: dayOf(Date.now()) })
  if (email.startsWith('slow')) await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
  if (email.startsWith('broken') || email.startsWith('slow'))
    return problem(response, 503, 'unavailable', 'Temporarily unavailable', 'The database does not answer.')
  if (email.startsWith('empty') || email.startsWith('new')) orders.length = checkouts.length = 0
  const answers = {
    '/api/analytics/stats': stats,
    '/api/analytics/sales-over-time': series,
    '/api/analytics/top-customers': topCustomers,
    '/api/analytics/checkouts': checkoutPage,
    '/api/analytics/orders': recentOrders,
  }
  const answer = answers[path]
  return answer
    ? json(response, 200, answer(query))
    : problem(response, 404, 'not-found', 'Not found', 'There is nothing at this address.')
}

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
/** As strict as the real one is meant to be, so that a breach is noticed here. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"

function answerFile(response, url) {
  const wanted = join(STATIC, normalize(url.pathname))
  const file = extname(wanted) && existsSync(wanted) ? wanted : join(STATIC, 'index.html')
  response.writeHead(200, {
    'Content-Type': types[extname(file)] ?? 'application/octet-stream',
    'Content-Security-Policy': POLICY,
  })
  createReadStream(file).pipe(response)
}

createServer((request, response) => {
  const url = new URL(request.url, `http://127.0.0.1:${PORT}`)
  if (url.pathname.startsWith('/api/')) void answerApi(request, response, url)
  else answerFile(response, url)
}).listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}`))
