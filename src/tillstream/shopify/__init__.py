"""The outside world's vocabulary: domains, signatures."""
