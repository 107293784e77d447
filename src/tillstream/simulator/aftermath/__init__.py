"""What happens to an order once it is placed.

Each action first takes the order's next instant (``order.tick``), changes the facts, tells the
ledger nothing (it reads the same facts), and sends the new state.
"""

from tillstream.simulator.aftermath.placing import place

__all__ = ["place"]
