"""Examples on real data, and the fetching of that data."""
