"""Measurements: ratios against named peers in the same run, on the same machine, with peak memory."""
