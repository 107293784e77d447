"""What a resolver may know of the request it works for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from graphql import GraphQLResolveInfo

    from tillstream.simulator.admin.bulk import BulkOperation, BulkOperations
    from tillstream.simulator.admin.consent import Installation
    from tillstream.simulator.admin.living import LivingShop
    from tillstream.simulator.admin.nodes import Nodes

ALL_ORDERS: Final = "read_all_orders"


@dataclass(frozen=True, slots=True)
class Context:
    """One request of an installation; in ``bulk`` every connection is whole."""

    shop: LivingShop
    nodes: Nodes
    installation: Installation
    operations: BulkOperations
    api_version: str
    now: datetime
    next_id: Callable[[], int]
    result_url: Callable[[BulkOperation], str]
    bulk: bool = False


Info: TypeAlias = "GraphQLResolveInfo[Context]"
"""What graphql-core hands to a resolver."""


def require(info: Info, *scopes: str) -> None:
    """Refuse the field unless one of ``scopes`` is granted.

    Raises:
        GraphQLError: with the code ``ACCESS_DENIED``; the field becomes null.
    """
    if not info.context.installation.may(*scopes):
        needed = " or ".join(scopes)
        message = f"Access denied for {info.field_name}: it needs the scope {needed}."
        raise GraphQLError(
            message, extensions={"code": "ACCESS_DENIED", "requiredAccess": f"{needed} scope"}
        )
