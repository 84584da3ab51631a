"""One exception tree. Each class owns its HTTP status, its stable code and its title; the message is public text.

    OcrError
    ├── BadRequest            400   no input, two inputs, wrong base64, a body that cannot be read
    ├── Unauthorized          401
    ├── Forbidden             403   URL input is switched off, a webhook's host is not listed
    ├── NotFound              404   route, file, model
    ├── MethodNotAllowed      405
    ├── Conflict              409   a key used twice, a result that is not there yet
    ├── TooLarge              413   bytes, pages, pixels
    ├── UnsupportedType       415
    ├── Unprocessable         422   options out of range, damaged or encrypted documents, refused addresses
    ├── TooManyRequests       429   rate, queue; always with Retry-After
    ├── InternalError         500
    ├── Unavailable           503   loading, draining, crashed; retryable ones with Retry-After
    └── DeadlineExceeded      504

Standard library only: the page pool's children and the engine workers raise these too, and send them by `code`.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar


class OcrError(Exception):
    """The root. `detail` says what is wrong and how to mend it; `retry_after` is in seconds, None where no retry helps."""

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class BadRequest(OcrError):
    status = HTTPStatus.BAD_REQUEST
    code = "bad_request"
    title = "The request cannot be read"


class NoInput(BadRequest):
    code = "no_input"
    title = "No document was sent"


class TwoInputs(BadRequest):
    code = "two_inputs"
    title = "More than one document was sent"


class TooManyFiles(BadRequest):
    code = "too_many_files"
    title = "Too many documents were sent"


class BadBase64(BadRequest):
    code = "bad_base64"
    title = "The base64 text is not valid"


class EmptyFile(BadRequest):
    code = "empty_file"
    title = "The document is empty"


class NoChat(BadRequest):
    code = "no_chat"
    title = "The model answers no chats"


class Unauthorized(OcrError):
    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"
    title = "A valid API token is needed"


class Forbidden(OcrError):
    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    title = "Not allowed"


class UrlInputDisabled(Forbidden):
    code = "url_input_disabled"
    title = "Documents by URL are switched off"


class WebhookNotAllowed(Forbidden):
    code = "webhook_not_allowed"
    title = "Webhooks may not be sent there"


class BucketNotAllowed(Forbidden):
    code = "bucket_not_allowed"
    title = "Documents may not be read from that bucket"


class NotFound(OcrError):
    status = HTTPStatus.NOT_FOUND
    code = "not_found"
    title = "There is nothing here"


class UnknownModel(NotFound):
    code = "unknown_model"
    title = "There is no such model"


class MethodNotAllowed(OcrError):
    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"
    title = "This address does not take that method"


class Conflict(OcrError):
    status = HTTPStatus.CONFLICT
    code = "conflict"
    title = "That does not go together with what is there"


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"
    title = "The key belongs to another request"


class NoResultYet(Conflict):
    code = "no_result_yet"
    title = "No page has been read yet"


class TooLarge(OcrError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"
    title = "The document is over a limit"


class UploadTooLarge(TooLarge):
    code = "upload_too_large"
    title = "The upload has too many bytes"


class TooManyPages(TooLarge):
    code = "too_many_pages"
    title = "The document has too many pages"


class TooManyPixels(TooLarge):
    code = "too_many_pixels"
    title = "The image has too many pixels"


class UnsupportedType(OcrError):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_type"
    title = "The document's type is not supported"


class Unprocessable(OcrError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unprocessable"
    title = "The request cannot be carried out"


class BadOption(Unprocessable):
    code = "bad_option"
    title = "An option is unknown or out of range"


class BadPageRange(Unprocessable):
    code = "bad_page_range"
    title = "The page range does not fit the document"


class DamagedFile(Unprocessable):
    code = "damaged_file"
    title = "The document is damaged"


class EncryptedPdf(Unprocessable):
    code = "encrypted_pdf"
    title = "The PDF is protected by a password"


class ReaderKilled(Unprocessable):
    code = "reader_killed"
    title = "The document needs more memory or time than a document may take"


class UrlNotAllowed(Unprocessable):
    code = "url_not_allowed"
    title = "The server may not connect to that address"


class UrlFetchFailed(Unprocessable):
    code = "url_fetch_failed"
    title = "The document could not be fetched"


class S3FetchFailed(Unprocessable):
    code = "s3_fetch_failed"
    title = "The document could not be had from S3"


class TooManyRequests(OcrError):
    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"
    title = "Too many requests"


class RateLimited(TooManyRequests):
    code = "rate_limited"
    title = "This token's requests per minute are used up"


class QueueFull(TooManyRequests):
    code = "queue_full"
    title = "The queue is full"


class InternalError(OcrError):
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal_error"
    title = "Something went wrong on our side"


class Unavailable(OcrError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    title = "Not available now"


class OutOfSpace(Unavailable):
    code = "out_of_space"
    title = "The server has no room on its disk"


class ModelLoading(Unavailable):
    code = "model_loading"
    title = "The model is loading"


class ModelUnavailable(Unavailable):
    code = "model_unavailable"
    title = "The model cannot be used on this server"


class Draining(Unavailable):
    code = "draining"
    title = "The server is shutting down"


class EngineCrashed(Unavailable):
    code = "engine_crashed"
    title = "The recognition engine stopped while it worked on this document"


class EngineFailed(Unavailable):
    code = "engine_failed"
    title = "The recognition engine could not read this page"


class S3Disabled(Unavailable):
    code = "s3_disabled"
    title = "S3 storage is not set up on this server"


class S3Unavailable(Unavailable):
    code = "s3_unavailable"
    title = "S3 storage cannot be used now"


class DeadlineExceeded(OcrError):
    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "deadline_exceeded"
    title = "The request took longer than it may"


def _tree(root: type[OcrError]) -> Iterator[type[OcrError]]:
    for child in root.__subclasses__():
        yield child
        yield from _tree(child)


BY_CODE: dict[str, type[OcrError]] = {error.code: error for error in _tree(OcrError)}
"""Every class by its code, to raise again what a child process reported."""
