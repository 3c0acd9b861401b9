"""Which of two ways works better: assignment that sticks, and results that may be watched."""
