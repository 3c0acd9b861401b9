"""Where emails find the files they show, joined from the settings."""

from dripline.content.media_links import MediaLinks
from dripline.settings import Settings


def media_links_of(settings: Settings) -> MediaLinks | None:
    """Return what makes addresses of files; None where nobody could follow them."""
    if settings.public_url is None:
        return None
    return MediaLinks(settings.public_url, settings.signing_key)
