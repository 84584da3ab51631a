"""offline-ocr: document OCR over HTTP, with no network behind it."""
