// Shopify's library for Node, driven by lines of JSON: run by the tests.
//
//     node tests/standin/node/library.mjs PORT CLIENT_ID SECRET
//
// Nothing of the library is changed. It insists on https at the shop's domain; the fetch that it asks its
// adapter for, which is its own way of being given one, reaches that domain on this machine.
import "@shopify/shopify-api/adapters/node";
import { setAbstractFetchFunc } from "@shopify/shopify-api/runtime";
import { ApiVersion, DeliveryMethod, LogSeverity, Session, shopifyApi } from "@shopify/shopify-api";
import http from "node:http";
import { createInterface } from "node:readline";

const [port, clientId, secret] = process.argv.slice(2);

/** fetch, but to this machine: the Host header alone says which shop is meant. */
function fetchHere(address, { method = "GET", headers = {}, body } = {}) {
  const url = new URL(address);
  const flat = Object.fromEntries(headers instanceof Headers ? headers.entries() : Object.entries(headers));
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: "127.0.0.1", port, path: url.pathname + url.search, method, headers: { ...flat, host: url.host } },
      (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("end", () => {
          const told = new Headers();
          for (const [name, value] of Object.entries(response.headers)) told.set(name, String(value));
          resolve(new Response(Buffer.concat(parts), { status: response.statusCode, headers: told }));
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
setAbstractFetchFunc(fetchHere);

const shopify = shopifyApi({
  apiKey: clientId,
  apiSecretKey: secret,
  scopes: ["read_orders", "read_customers", "read_products"],
  hostName: "app.example.com",
  hostScheme: "https",
  apiVersion: ApiVersion.July26,
  isEmbeddedApp: false,
  logger: { level: LogSeverity.Error, log: () => {} },
});

/** What node:http would hand to a handler, as far as the library looks at it. */
function incoming(url, headers = {}) {
  return { method: "GET", url, headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", host: "app.example.com", ...headers } };
}

function outgoing() {
  const headers = {};
  return {
    statusCode: 0,
    headers,
    setHeader: (name, value) => (headers[name] = value),
    getHeaders: () => headers,
    write: () => {},
    end: () => {},
  };
}

function sessionOf(shop, token) {
  return new Session({ id: `offline_${shop}`, shop, state: "", isOnline: false, accessToken: token, scope: "read_orders" });
}

const calls = {
  async begin({ shop, online }) {
    const rawResponse = outgoing();
    await shopify.auth.begin({ shop, callbackPath: "/auth/callback", isOnline: online, rawRequest: incoming("/auth"), rawResponse });
    const { statusCode, headers } = rawResponse;
    return { status: statusCode, location: headers.Location, cookies: headers["Set-Cookie"] };
  },
  async callback({ path, cookie, expiring }) {
    const rawResponse = outgoing();
    const { session } = await shopify.auth.callback({ rawRequest: incoming(path, { cookie }), rawResponse, expiring });
    return session.toObject();
  },
  async refresh({ shop, refreshToken }) {
    const { session } = await shopify.auth.refreshToken({ shop, refreshToken });
    return session.toObject();
  },
  async migrate({ shop, token }) {
    const { session } = await shopify.auth.migrateToExpiringToken({ shop, nonExpiringOfflineAccessToken: token });
    return session.toObject();
  },
  async exchange({ shop, sessionToken }) {
    const { session } = await shopify.auth.tokenExchange({ shop, sessionToken, requestedTokenType: "urn:shopify:params:oauth:token-type:offline-access-token", expiring: true });
    return session.toObject();
  },
  async graphql({ shop, token, query, variables }) {
    const client = new shopify.clients.Graphql({ session: sessionOf(shop, token) });
    const answer = await client.request(query, { variables, retries: 2 });
    return { data: answer.data, extensions: answer.extensions };
  },
  async register({ shop, token, handlers }) {
    const made = Object.fromEntries(
      Object.entries(handlers).map(([topic, uri]) => [topic, { deliveryMethod: DeliveryMethod.Http, callbackUrl: uri, callback: async () => {} }]),
    );
    shopify.webhooks.addHandlers(made);
    return shopify.webhooks.register({ session: sessionOf(shop, token) });
  },
  async hmacs({ cases }) {
    return Promise.all(cases.map((query) => shopify.utils.validateHmac(query).catch((error) => error.message)));
  },
  async deliveries({ cases }) {
    return Promise.all(
      cases.map(({ body, headers }) =>
        shopify.webhooks.validate({ rawBody: body, rawRequest: incoming("/api/webhook", headers), rawResponse: outgoing() }),
      ),
    );
  },
  async shops({ names }) {
    return names.map((name) => shopify.utils.sanitizeShop(name));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  let told;
  try {
    told = { result: (await calls[call.call](call.with)) ?? null };
  } catch (error) {
    told = { error: `${error.constructor.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
