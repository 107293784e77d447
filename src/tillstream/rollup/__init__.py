"""The ledger and its sums: what each order and checkout adds to every figure, and when."""
