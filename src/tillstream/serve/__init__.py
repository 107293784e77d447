"""The door out: the API, the live stream and the dashboard's files."""
