"""Ways to people: each module implements `deliveries.protocols.Channel`."""
