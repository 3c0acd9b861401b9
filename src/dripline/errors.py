"""Every error dripline raises on purpose, in two trees.

DriplineError                   a request that cannot be done; one handler answers it
├── NotFound
├── Conflict
│   └── TooMany                 asked too often: later it may
├── Invalid
└── Forbidden

SendFailure                     why a message did not go out; decides what happens to it
├── PermanentFailure            this message never will: not retried
│   └── Unreachable             nor will any other to this address, until it comes back
├── RetryLater                  this message may, later: costs an attempt
├── RateLimited                 the channel says when: costs no attempt
├── ChannelDown                 the channel has an outage: costs no attempt
├── Overslept                   it was not handed over, since our lease may be over: costs nothing
└── ChannelRefused              the channel refuses our token: stop it, tell the operator
"""


class DriplineError(Exception):
    """A request that cannot be done, with a code for programs and a sentence for people."""

    code = "ERROR"

    def __init__(self, message: str, *, code: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details


class NotFound(DriplineError):
    """What was named is not there."""

    code = "NOT_FOUND"


class Conflict(DriplineError):
    """What was asked contradicts the present state."""

    code = "CONFLICT"


class TooMany(Conflict):
    """It was asked too often; `after` is in how many seconds it may be asked again."""

    code = "TOO_MANY"

    def __init__(self, message: str, after: float, *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.after = after


class Invalid(DriplineError):
    """What was given cannot be used as it is."""

    code = "INVALID"


class Forbidden(DriplineError):
    """Whoever asks may not."""

    code = "FORBIDDEN"


# Codes of the specification, which other programs match on.
SCENARIO_NOT_FOUND = "SCENARIO_NOT_FOUND"
SCENARIO_ALREADY_ACTIVE = "SCENARIO_ALREADY_ACTIVE"
INVALID_SCENARIO_STATE = "INVALID_SCENARIO_STATE"
MESSAGE_NOT_FOUND = "MESSAGE_NOT_FOUND"
TEMPLATE_RENDER_FAILED = "TEMPLATE_RENDER_FAILED"
SCHEDULE_FAILED = "SCHEDULE_FAILED"
USER_NOT_FOUND = "USER_NOT_FOUND"
PAYMENT_REQUIRED = "PAYMENT_REQUIRED"


class SendFailure(Exception):
    """A message did not go out; `reason` is what the operator reads."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PermanentFailure(SendFailure):
    """This message will never go out as it is."""

    def __init__(self, reason: str, code: str = "rejected") -> None:
        super().__init__(reason)
        self.code = code


class Unreachable(PermanentFailure):
    """Nothing reaches this address until it comes back by itself.

    `reachability` is the address's new state, such as `blocked` or `needs_start`.
    """

    def __init__(self, reachability: str, reason: str) -> None:
        super().__init__(reason, code="unreachable")
        self.reachability = reachability


class RetryLater(SendFailure):
    """This message failed for now; `after` seconds if the channel said so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class RateLimited(SendFailure):
    """The channel asks for `after` real seconds of silence, of the chat or of the whole key."""

    def __init__(self, reason: str, after: float, *, whole_key: bool = True) -> None:
        super().__init__(reason)
        self.after = after
        self.whole_key = whole_key


class ChannelDown(SendFailure):
    """The channel did not answer, or with an error of its own."""


class Overslept(SendFailure):
    """This process stood still for so long that others may have taken the message over."""


class ChannelRefused(SendFailure):
    """The channel refuses our credentials; nothing will go out until the operator acts."""
