"""The control API (`/sandbox/api/`): how the page, tests and scripts move the sandbox.

People act (write, press, block), the clock is moved, faults are ordered. JSON in and out; a wrong
request is answered with `{"error": "…"}`.
"""
