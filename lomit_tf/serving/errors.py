"""The error of everything that the server does not take."""

from __future__ import annotations


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
      status: of HTTP. message: one line for the client. retry_after: seconds, for 503. reason: a word for the metrics.
    """

    def __init__(self, status: int, message: str, *, retry_after: int = 0, reason: str = "bad_request") -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after, self.reason = status, message, retry_after, reason
