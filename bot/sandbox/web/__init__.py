"""The web port: the chat page, and the JSON API that tests and the page share.

An error is `{"error": "<a sentence>"}` with a fitting status. Ids are numbers; times are seconds since 1970.
"""
