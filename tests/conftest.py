"""Settings that all tests share."""

from hypothesis import settings

settings.register_profile("unveil", deadline=None)  # machines are noisy: no timed assertions
settings.load_profile("unveil")
