"""The server's parts: signatures, JSON, decoding, the model, batching, metrics, HTTP."""
