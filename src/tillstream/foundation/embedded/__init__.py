"""PostgreSQL in a folder: the server that `tillstream up` brings along."""
