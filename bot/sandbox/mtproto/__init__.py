"""MTProto 2.0 from the server's side: transports, the handshake, sessions, and Telegram's schema.

Nothing here knows what Telegram's methods do.
"""
