"""Questions the operator asks, answered in SQL; above all: why."""
