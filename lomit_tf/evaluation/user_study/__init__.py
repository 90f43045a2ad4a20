"""The user study: its page, and what its answers say."""
