// The settings' part of the pretend Tillstream: people, keys, logins and requests, kept in memory.
const DAY = 86_400_000
const ago = (days) => new Date(Date.now() - days * DAY).toISOString()
const ahead = (days) => ago(-days)

const RECEIPT = {
  done: 'What is kept of the customer was gathered for them.',
  counts: { customers: 1, orders: 3, deliveries: 14 },
}

const data = {
  tenant: { id: '1', name: 'Harbour Tea', retention_days: 30, erase_after_days: 30 },
  members: [
    { id: '1', email: 'ada@example.com', name: 'Ada Brandt', role: 'owner', since: ago(320) },
    { id: '2', email: 'jonas.okafor@example.com', name: 'Jonas Okafor', role: 'analyst', since: ago(90) },
    {
      id: '3',
      email: 'a.very.long.address.of.somebody@subdomain.example.com',
      name: '',
      role: 'viewer',
      since: ago(3),
    },
  ],
  invitations: [
    { id: '4', email: 'priya@example.com', role: 'viewer', expires_at: ahead(6) },
    { id: '5', email: 'late@example.com', role: 'analyst', expires_at: ago(2) },
  ],
  sessions: [
    {
      id: 'a',
      tenant: 'Harbour Tea',
      current: true,
      created_at: ago(2),
      last_used_at: ago(0),
      expires_at: ahead(28),
      address: '203.0.113.7',
      agent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/142.0 Safari/537.36',
    },
    {
      id: 'b',
      tenant: 'Harbour Tea',
      current: false,
      created_at: ago(20),
      last_used_at: ago(1),
      expires_at: ahead(10),
      address: '2001:db8::7',
      agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Mobile Safari/604.1',
    },
    {
      id: 'c',
      tenant: 'Harbour Tea',
      current: false,
      created_at: ago(9),
      last_used_at: ago(8),
      expires_at: ahead(21),
      address: '198.51.100.20',
      agent: 'curl/8.5.0',
    },
  ],
  keys: [
    {
      id: '1',
      name: 'Nightly report',
      prefix: 'ts_1_Qm9v',
      scopes: ['analytics', 'exports'],
      created_at: ago(60),
      expires_at: ahead(30),
      last_used_at: ago(0.4),
    },
    {
      id: '2',
      name: 'Wall display',
      prefix: 'ts_1_x81Z',
      scopes: ['live'],
      created_at: ago(86),
      expires_at: ahead(4),
      last_used_at: null,
    },
  ],
  logins: [
    {
      id: '1',
      name: 'Metabase',
      username: 'tillstream_sql_1_k3jf8s2q',
      host: 'data.harbourtea.example',
      port: 5432,
      database: 'tillstream',
      created_at: ago(12),
    },
  ],
  requests: [
    {
      id: '3',
      store: 'harbour-tea.myshopify.com',
      kind: 'customers/data_request',
      customer: '7012345678901',
      received_at: ago(0.2),
      due_at: ahead(29.8),
      done_at: ago(0.19),
      problem: null,
      receipt: RECEIPT,
    },
    {
      id: '2',
      store: 'harbour-tea.myshopify.com',
      kind: 'customers/redact',
      customer: '7012345678955',
      received_at: ago(24),
      due_at: ahead(6),
      done_at: null,
      problem: null,
      receipt: null,
    },
    {
      id: '1',
      store: 'minato-cha.myshopify.com',
      kind: 'shop/redact',
      customer: null,
      received_at: ago(70),
      due_at: ago(40),
      done_at: ago(69),
      problem: null,
      receipt: RECEIPT,
    },
  ],
}

const actions = [
  ['session.signed_in', 'ada@example.com', null, {}],
  ['store.connected', 'ada@example.com', 'harbour-tea.myshopify.com', { by: 'oauth' }],
  [
    'member.role_changed',
    'ada@example.com',
    'jonas.okafor@example.com',
    { role: 'analyst', before: 'viewer' },
  ],
  ['key.created', 'ada@example.com', 'Nightly report', { scopes: ['analytics', 'exports'] }],
  ['customer.redacted', 'shopify', 'harbour-tea.myshopify.com', { customer: '7012345678955', orders: 3 }],
  ['session.refused', 'ada@example.com', null, {}],
]
const events = Array.from({ length: 130 }, (_, index) => {
  const [action, actor, subject, detail] = actions[index % actions.length]
  return {
    id: String(1000 - index),
    at: ago(index * 0.31),
    action,
    actor,
    subject,
    detail,
    address: '203.0.113.7',
  }
})

function auditPage({ cursor, limit = 50 }) {
  const from = Number(cursor ?? 0)
  const next = from + Number(limit)
  return { events: events.slice(from, next), next: next < events.length ? String(next) : null }
}

/** `[status, body]` of a call that this part knows, else null. */
export async function answerAccount(request, path, query, readBody) {
  const { method } = request
  const [, , subject, id] = path.split('/')
  if (path === '/api/tenant') {
    if (method === 'PATCH') Object.assign(data.tenant, await readBody())
    return [200, data.tenant]
  }
  if (path === '/api/auth/sessions') return [200, { sessions: data.sessions }]
  if (path.startsWith('/api/auth/sessions/')) {
    data.sessions = data.sessions.filter((each) => each.id !== path.split('/')[4])
    return [204]
  }
  if (path.startsWith('/api/auth/password')) return [path.endsWith('password') ? 204 : 202]
  if (path === '/api/audit') return [200, auditPage(query)]
  if (path === '/api/invitations/lookup')
    return [200, { tenant: 'Harbour Tea', email: 'priya@example.com', role: 'analyst', has_account: false }]
  if (path.startsWith('/api/privacy/requests/')) return [200, { receipt: 'pretended' }]
  if (path === '/api/privacy/requests') return [200, { requests: data.requests }]
  const list = { members: 'members', invitations: 'invitations', keys: 'keys', 'sql-logins': 'logins' }[
    subject
  ]
  if (!list) return null
  if (method === 'GET') return [200, { [list]: data[list], most: 5 }]
  if (method === 'DELETE') {
    data[list] = data[list].filter((each) => each.id !== id)
    return [204]
  }
  const body = await readBody()
  if (method === 'PATCH') {
    return [
      200,
      Object.assign(
        data[list].find((each) => each.id === id),
        body,
      ),
    ]
  }
  const made = {
    id: String(Date.now()),
    created_at: ago(0),
    expires_at: ahead(body.expires_in_days ?? 7),
    ...body,
  }
  const secret = 'PpV9w2R6fWkT0yqJx4uHs8LmEa1cZbGdQn3oIv7rY5t'
  if (list === 'keys') Object.assign(made, { prefix: 'ts_1_PpV9', last_used_at: null })
  if (list === 'logins')
    Object.assign(made, {
      ...data.logins[0],
      id: made.id,
      name: body.name,
      username: 'tillstream_sql_1_zz81m4',
    })
  data[list] = [...data[list], made]
  const once = {
    keys: { key: `ts_1_${secret}` },
    invitations: { link: `https://figures.harbourtea.example/invite#token=${secret}`, sent: false },
    logins: {
      password: secret,
      url: `postgresql://tillstream_sql_1_zz81m4:${secret}@data.harbourtea.example/tillstream`,
    },
  }[list]
  return [201, { ...made, ...once }]
}
