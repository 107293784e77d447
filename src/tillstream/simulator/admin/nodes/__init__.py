"""Facts as objects of the Admin API: plain dictionaries, with a function where a page is asked for.

Webhook bodies are printed elsewhere, from the same facts; neither reads the other.
"""

from tillstream.simulator.admin.nodes.checkouts import Nodes
from tillstream.simulator.admin.nodes.fields import gid, number_of, paged, utc, when

__all__ = ["Nodes", "gid", "number_of", "paged", "utc", "when"]
