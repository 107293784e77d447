"""A true copy of each store: deliveries merged as joins, so that order and repeats do not matter."""
