"""The stand-in's Admin: OAuth, the GraphQL API, subscriptions, and failures on demand."""
