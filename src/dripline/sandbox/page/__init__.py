"""The sandbox's page: phones side by side, a clock, and why each message came."""
