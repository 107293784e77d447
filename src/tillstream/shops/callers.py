"""Who calls: a person by an access token, or a machine by a key; and whether that still stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tillstream.shops.api_keys import KeyBearer, PresentedKey, enter_with_key
from tillstream.shops.sessions import role_of
from tillstream.shops.tokens import Bearer

if TYPE_CHECKING:
    from datetime import datetime

    from tillstream.foundation.database import Connection

Caller: TypeAlias = Bearer | KeyBearer

KEYS: str = "keys"
"""What ``tillstream_sessions`` says after the tenant when one of its keys ended."""


def sign_in_name(caller: Caller) -> str:
    """What ``tillstream_sessions`` says after the tenant when this caller may have to go."""
    return str(caller.family) if isinstance(caller, Bearer) else KEYS


async def still_stands(connection: Connection, caller: Caller, now: datetime) -> bool:
    """Whether the sign-in or the key is good at ``now``; inside the tenant's transaction."""
    if isinstance(caller, KeyBearer):
        presented = PresentedKey(caller.tenant_id, caller.digest)
        return await enter_with_key(connection, presented, now) is not None
    role = await role_of(
        connection,
        tenant_id=caller.tenant_id,
        user_id=caller.user_id,
        family=caller.family,
        now=now,
    )
    return role is not None
