"""The people of a tenant, and the tenant's own settings. All inside the tenant's transaction.

The database decides what must hold whoever asks (``shops.change_role``, ``shops.remove_member``): an
account is never without an owner, and who loses a role loses what it gave them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, LiteralString

from tillstream.shops.refusals import LastOwner, MemberUnknown, TenantUnknown

if TYPE_CHECKING:
    from datetime import datetime

    from tillstream.foundation.database import Connection

Role = Literal["owner", "analyst", "viewer"]

_LIST: LiteralString = """
SELECT u.id, u.email, u.name, m.role, m.since
FROM shops.memberships AS m JOIN shops.users AS u ON u.id = m.user_id
WHERE m.tenant_id = %s ORDER BY u.email
"""
_FIND: LiteralString = """
SELECT u.id, u.email, u.name, m.role, m.since
FROM shops.memberships AS m JOIN shops.users AS u ON u.id = m.user_id
WHERE m.tenant_id = %s AND u.id = %s
"""
_CHANGE_ROLE: LiteralString = "SELECT shops.change_role(%s, %s, %s)"
_REMOVE: LiteralString = "SELECT shops.remove_member(%s, %s)"
_PROFILE: LiteralString = """
SELECT id, name, retention_days, erase_after_days FROM shops.tenants WHERE id = %s
"""
_CHANGE_PROFILE: LiteralString = """
UPDATE shops.tenants SET name = %s, retention_days = %s, erase_after_days = %s WHERE id = %s
"""

_CHANGED: Final = "changed"


@dataclass(frozen=True)
class Member:
    """A person of the tenant."""

    user_id: int
    email: str
    name: str
    role: Role
    since: datetime


@dataclass(frozen=True)
class Profile:
    """A tenant's own settings; None where the installation's hold."""

    id: int
    name: str
    retention_days: int | None
    erase_after_days: int | None


async def list_members(connection: Connection, tenant_id: int) -> list[Member]:
    """The tenant's people, by e-mail address."""
    cursor = await connection.execute(_LIST, (tenant_id,))
    return [Member(*row) for row in await cursor.fetchall()]


async def find_member(connection: Connection, tenant_id: int, user_id: int) -> Member:
    """One of the tenant's people.

    Raises:
        MemberUnknown: if that is none of them.
    """
    row = await (await connection.execute(_FIND, (tenant_id, user_id))).fetchone()
    if row is None:
        raise MemberUnknown
    return Member(*row)


async def change_role(connection: Connection, user_id: int, role: Role, now: datetime) -> bool:
    """Give a member of the transaction's tenant a role; False if they had it.

    It counts from their next call on. A former owner's keys and open invitations end.

    Raises:
        MemberUnknown, LastOwner: nothing was changed.
    """
    return await _outcome(connection, _CHANGE_ROLE, (user_id, role, now)) == _CHANGED


async def remove_member(connection: Connection, user_id: int, now: datetime) -> None:
    """Remove a member from the transaction's tenant: their sign-ins, keys and invitations end.

    Somebody who belongs to no other tenant has no account any more.

    Raises:
        MemberUnknown, LastOwner: nothing was changed.
    """
    await _outcome(connection, _REMOVE, (user_id, now))


async def _outcome(
    connection: Connection, statement: LiteralString, values: tuple[object, ...]
) -> str:
    row = await (await connection.execute(statement, values)).fetchone()
    outcome = "unknown" if row is None else str(row[0])
    if outcome == "unknown":
        raise MemberUnknown
    if outcome == "last-owner":
        raise LastOwner
    return outcome


async def read_profile(connection: Connection, tenant_id: int) -> Profile:
    """The tenant's own settings.

    Raises:
        TenantUnknown: if there is none such; a live sign-in always has one.
    """
    row = await (await connection.execute(_PROFILE, (tenant_id,))).fetchone()
    if row is None:
        raise TenantUnknown
    return Profile(*row)


async def write_profile(connection: Connection, profile: Profile) -> None:
    """Keep the tenant's own settings."""
    values = (profile.name, profile.retention_days, profile.erase_after_days, profile.id)
    await connection.execute(_CHANGE_PROFILE, values)
