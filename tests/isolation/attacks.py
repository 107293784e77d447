"""Cases for attackers, generated from the OpenAPI document: whoever adds a call is attacked through it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tillstream.shops.tokens import AUDIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.isolation.rivals import Rivals

Schema = dict[str, Any]

INJECTIONS = (
    "'",
    "' OR '1'='1",
    "1 OR 1=1",
    "1; SELECT set_config('tillstream.tenant', '1', false)--",
    "'; SELECT pg_sleep(5)--",
    "' UNION SELECT email FROM mirror.customers--",
    "1) UNION SELECT password_hash FROM shops.users--",
    "x'); DROP TABLE mirror.orders CASCADE;--",
    "$$; UPDATE shops.memberships SET role = 'owner'; $$",
    "\\'; TRUNCATE rollup.sums;--",
    "%' AND 1 = (SELECT count(*) FROM shops.stores) AND '%' = '",
    "%s%(tenant)s{0}",
    "\u02bc OR 1=1--",
)
"""Each would do something that is seen: read the victim's rows, change them, drop a table, or sleep."""


@dataclass(frozen=True)
class Operation:
    """One call of the OpenAPI document."""

    method: str
    path: str
    parameters: tuple[Schema, ...]
    body: Schema | None
    secured: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def names(self, place: str) -> list[str]:
        """Its parameters in the path, the query or the headers."""
        return [one["name"] for one in self.parameters if one["in"] == place]


@dataclass(frozen=True)
class Case:
    """One request of an attacker."""

    what: str
    operation: Operation
    path: dict[str, str] = field(default_factory=dict[str, str])
    query: dict[str, str] = field(default_factory=dict[str, str])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    echoes: bool = False
    """Whether the request itself holds what is searched for, so that the answer may say it again."""

    @property
    def address(self) -> str:
        path = self.operation.path
        for name in self.operation.names("path"):
            path = path.replace("{" + name + "}", quote(self.path.get(name, "1"), safe=""))
        return path


def known(operation: Operation, query: dict[str, str]) -> dict[str, str]:
    """What the call knows of a query: what it does not know it refuses before anything else."""
    return {name: value for name, value in query.items() if name in operation.names("query")}


def operations(document: Schema) -> list[Operation]:
    """All calls that are described, with references resolved."""
    found: list[Operation] = []
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            content = call.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            found.append(
                Operation(
                    method.upper(),
                    path,
                    tuple(call.get("parameters", ())),
                    None if schema is None else resolved(schema, document),
                    bool(call.get("security")),
                )
            )
    return found


def resolved(schema: Any, document: Schema) -> Any:
    """A schema without references."""
    if isinstance(schema, list):
        return [resolved(one, document) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    known = cast("Schema", schema)
    if "$ref" in known:
        part: Any = document
        for step in str(known["$ref"]).removeprefix("#/").split("/"):
            part = part[step]
        return resolved(part, document)
    return {key: resolved(value, document) for key, value in known.items()}


def example(schema: Schema) -> Any:  # noqa: PLR0911 - one for each kind of schema
    """A value that a schema allows, as its examples have it."""
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "const" in schema or "default" in schema:
        return schema.get("const", schema.get("default"))
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example(schema[key][0])
    match schema.get("type"):
        case "object":
            return {name: example(one) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [example(schema["items"])] if "items" in schema else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return "a" * max(schema.get("minLength", 1), 1)


def texts_in(schema: Schema | None) -> list[str]:
    """The top-level fields of a body that take text."""

    def takes_text(one: Schema) -> bool:
        choices = [one, *one.get("anyOf", ())]
        return any(choice.get("type") == "string" for choice in choices)

    return [name for name, one in (schema or {}).get("properties", {}).items() if takes_text(one)]


# -- tokens ----------------------------------------------------------------------------------------


def _b64(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unchecked."""
    return jwt.decode(token, options={"verify_signature": False})


def forged_tokens(  # noqa: PLR0915 - a list
    rivals: Rivals, secret: str
) -> Iterator[tuple[str, str]]:
    """Credentials that must let nobody in: (what, Authorization header)."""
    victim, attacker = claims_of(rivals.victim.token), claims_of(rivals.attacker.token)
    head, payload, signature = rivals.victim.token.split(".")
    _, own_payload, own_signature = rivals.attacker.token.split(".")
    now = rivals.site.clock.now
    good = {"exp": int((now + timedelta(minutes=10)).timestamp())}

    def signed(
        claims: dict[str, Any], key: Any = secret, algorithm: str = "HS256", **headers: Any
    ) -> str:
        return "Bearer " + jwt.encode(claims, key, algorithm=algorithm, headers=headers or None)

    yield "empty", "Bearer "
    yield "no scheme", rivals.victim.token
    yield "another scheme", f"Basic {_b64(b'a:b')}"
    yield "garbage", "Bearer x"
    yield "three dots", "Bearer ..."
    yield "a number", "Bearer 1"
    yield "null bytes", "Bearer \\x00"
    yield "very long", "Bearer " + "A" * 9000
    yield "cut short", f"Bearer {rivals.victim.token[:-3]}"
    yield "without signature", f"Bearer {head}.{payload}."
    yield "two parts", f"Bearer {head}.{payload}"
    yield "a fourth part", f"Bearer {rivals.victim.token}.x"
    yield "another's signature", f"Bearer {head}.{payload}.{own_signature}"
    yield "another's payload", f"Bearer {head}.{own_payload}.{signature}"
    for name in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {name!r}", f"Bearer {_b64({'alg': name, 'typ': 'JWT'})}.{payload}."
        yield (
            f"alg {name!r}, signed",
            f"Bearer {_b64({'alg': name, 'typ': 'JWT'})}.{payload}.{signature}",
        )
    for weak in ("", "secret", "changeme", "tillstream", AUDIENCE, "a" * 64):
        digest = hmac.new(weak.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
        yield f"signed with {weak[:12]!r}", f"Bearer {head}.{payload}.{_b64(digest)}"
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    yield "RS256, own key", signed(victim, private, "RS256")
    yield "ES256, own key", signed(victim, ec.generate_private_key(ec.SECP256R1()), "ES256")
    digest = hmac.new(public, f"{head}.{payload}".encode(), hashlib.sha256).digest()
    yield "HS256, a public key", f"Bearer {head}.{payload}.{_b64(digest)}"
    jwk = {"kty": "oct", "k": _b64(b"mine"), "alg": "HS256"}
    yield "brings its key", signed(victim, "mine" * 16, jwk=jwk)
    yield "names its key's file", signed(victim, "mine" * 16, kid="../../../../dev/null")
    yield "names its key's address", signed(victim, "mine" * 16, jku="http://127.0.0.1:1/jwks.json")
    # Whoever has the secret itself, of this installation or another one's, or old claims of it:
    yield "expired", signed({**victim, "exp": int((now - timedelta(minutes=1)).timestamp())})
    yield (
        "from tomorrow",
        signed({**victim, "iat": int((now + timedelta(days=1)).timestamp()), **good}),
    )
    yield "HS512", signed(victim, algorithm="HS512")
    yield "HS384", signed(victim, algorithm="HS384")
    yield (
        "another installation's secret",
        signed(victim, "another secret, and as long as that of this one is"),
    )
    yield "another issuer", signed({**victim, "iss": "https://other.example"})
    yield "another audience", signed({**victim, "aud": "shopify"})
    for claim in ("sub", "tid", "sid", "exp", "iss", "aud", "iat"):
        yield (
            f"without {claim}",
            signed({key: value for key, value in victim.items() if key != claim}),
        )
    yield "tenant swapped", signed({**attacker, "tid": victim["tid"], **good})
    yield "person swapped", signed({**attacker, "sub": victim["sub"], **good})
    yield (
        "person and tenant swapped",
        signed({**attacker, "sub": victim["sub"], "tid": victim["tid"], **good}),
    )
    yield "sign-in swapped", signed({**attacker, "sid": victim["sid"], **good})
    yield "tenant and sign-in swapped", signed({**victim, "sub": attacker["sub"], **good})
    yield "an unknown sign-in", signed({**victim, "sid": str(uuid4()), **good})
    yield "no sign-in", signed({**victim, "sid": str(UUID(int=0)), **good})
    for tenant in (
        f"{victim['tid']},",
        f"{victim['tid']} ",
        "0",
        "-1",
        "1e0",
        str(2**63),
        "1,2",
        "NULL",
        "*",
    ):
        yield f"tenant {tenant!r}", signed({**attacker, "tid": tenant, **good})
    # API keys.
    yield "a key of nobody", f"Bearer ts_{rivals.victim.tenant_id}_{'A' * 43}"
    yield "an empty key", "Bearer ts__"
    yield "a key of no tenant", f"Bearer ts_x_{'A' * 43}"
    yield (
        "the refresh token as a token",
        f"Bearer {rivals.victim.cookies.get('tillstream_refresh', 'x')}",
    )
