"""Every room's tables and subscriptions, so that each process knows all of them."""

from sqlalchemy import MetaData

from dripline.database import Base


def import_models() -> MetaData:
    """Import the models of all rooms; return the metadata that migrations go by."""
    import dripline.contacts.models
    import dripline.content.models
    import dripline.deliveries.models
    import dripline.events.models
    import dripline.scenarios.models
    import dripline.scenarios.reactions  # noqa: F401 - its subscriptions

    return Base.metadata
