"""The command line, and the processes it starts: the one place that knows all stages."""
