"""What came back: tracked links, opens, clicks, who is a machine, which post brought whom."""
