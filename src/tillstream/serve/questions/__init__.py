"""What is asked of mirror and rollup: sums and keyed pages, so that cost does not grow with orders.

Every statement runs in the tenant's transaction and names the tenant as well. A module is a family
of panels; the statements of lists are in ``Listing`` s, beside the columns they select.
"""
